"""The runs of an experiment as a Gymnasium environment (needs gymnasium and numpy):

    python examples/gymnasium_env.py quickstart workload.requests=500

checks the environment and prints the mean reward of an agent that acts at random. An action is the
variant of the next batch, or to leave its first request to another worker. Observations and rewards
are those of `peeksim train`; docs/src/external-schedulers.md says what they are. `PEEKSIM` may name
the program.
"""
import json
import operator
import os
import subprocess
import sys

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

VERSION = 1


class AllowedActions(gymnasium.spaces.Discrete):
    """Actions, of which `sample` draws one that is allowed now unless it is told otherwise."""

    mask = None

    def sample(self, mask=None, **others):
        return super().sample(mask=self.mask if mask is None and not others else mask, **others)


class PeeksimEnv(gymnasium.Env):
    """Runs of all configurations of an experiment, one after the other, in random order.

    The mask of allowed actions is `info["action_mask"]`, the weight of later rewards after a step
    `info["discount"]`. Episodes have no end of their own; they are truncated after `max_steps`.
    """

    metadata = {"render_modes": []}

    def __init__(self, experiment, settings=(), cost_weight=None, max_steps=4096, render_mode=None):
        self.render_mode, self.max_steps, self.steps = render_mode, max_steps, 0
        command = [os.environ.get("PEEKSIM", "peeksim"), "env", experiment]
        command += [f"--set={setting}" for setting in settings]
        command += [] if cost_weight is None else [f"--cost-weight={cost_weight}"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")
        hello = self._read()
        if (hello["protocol"], hello["version"]) != ("peeksim-environment", VERSION):
            raise RuntimeError(f"found {hello}, expected version {VERSION} of peeksim-environment")
        self._write({"version": VERSION})
        shape = (hello["observation"],)
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, shape, np.float32)
        self.action_space = AllowedActions(hello["actions"])

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        answer = self._ask({"reset": {} if seed is None else {"seed": int(seed)}})
        return self._observation(answer), self._info(answer)

    def step(self, action):
        answer = self._ask({"step": {"action": operator.index(action)}})
        self.steps += 1
        info = {**self._info(answer), "discount": answer["discount"]}
        truncated = self.steps >= self.max_steps
        return self._observation(answer), answer["reward"], answer["terminated"], truncated, info

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait()
        self.process.stdout.close()

    def _observation(self, answer):
        return np.array(answer["observation"], np.float32)

    def _info(self, answer):
        self.action_space.mask = np.array(answer["mask"], np.int8)
        return {"action_mask": self.action_space.mask.copy()}

    def _ask(self, request):
        self._write(request)
        answer = self._read()
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def _write(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"peeksim env ended with exit code {self.process.wait()}")
        return json.loads(line)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    env = PeeksimEnv(sys.argv[1], sys.argv[2:])
    check_env(env, skip_render_check=True)
    (_, info), rewards = env.reset(seed=1), []
    env.action_space.seed(1)
    for _ in range(1000):
        _, reward, _, _, info = env.step(env.action_space.sample(info["action_mask"]))
        rewards.append(reward)
    env.close()
    print(f"mean reward of {len(rewards)} actions at random: {np.mean(rewards):.4f}")
