"""Utility against load, from what a sweep writes (needs pandas and matplotlib):

    python examples/plot.py results/quickstart utility.png
"""
import sys

import matplotlib.pyplot as plt
import pandas as pd

folder, out = sys.argv[1:3]
summary = pd.read_csv(f"{folder}/summary.csv")
plt.gca().set_prop_cycle(color=plt.cm.tab20.colors)
for scheduler, rows in summary.groupby("scheduler", sort=False):
    rows = rows.sort_values("workload.rate_rps")
    x, y, half = (rows[name] for name in ["workload.rate_rps", "utility_mean", "utility_mean_ci95"])
    (line,) = plt.plot(x, y, marker="o", markersize=3, label=scheduler)
    plt.fill_between(x, y - half, y + half, color=line.get_color(), alpha=0.2)
plt.xscale("log")
plt.xlabel("rate (requests/s)")
plt.ylabel("utility mean")
plt.legend(fontsize=6, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.15))
plt.savefig(out, dpi=150, bbox_inches="tight")
