"""Checks examples/gymnasium_env.py and prints what an agent that acts at random saw, as JSON.

    python environment.py EXPERIMENT SETTING...
"""
import json
import sys

from gymnasium.utils.env_checker import check_env
from gymnasium_env import PeeksimEnv

experiment, *settings = sys.argv[1:]
env = PeeksimEnv(experiment, settings)
check_env(env, skip_render_check=True)
env.close()

env = PeeksimEnv(experiment, settings, max_steps=500)
observation, info = env.reset(seed=11)
env.action_space.seed(11)
steps, truncated = [], False
while not truncated:
    mask = info["action_mask"]
    action = int(env.action_space.sample(mask))
    seen = {"observation": observation.tolist(), "mask": [bool(allowed) for allowed in mask]}
    observation, reward, terminated, truncated, info = env.step(action)
    assert not terminated and 0 < info["discount"] <= 1
    steps.append({**seen, "action": action, "reward": reward})
for action in [-1, 10_000]:
    try:
        env.step(action)
        raise SystemExit(f"action {action} was accepted")
    except ValueError as error:
        assert "expected" in str(error), error
env.close()
env.close()
print(json.dumps({"steps": steps}))
