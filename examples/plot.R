# Utility against load, from what a sweep writes (base R):
#
#     Rscript examples/plot.R results/quickstart utility.png

args <- commandArgs(trailingOnly = TRUE)
summary <- read.csv(file.path(args[1], "summary.csv"), check.names = FALSE)
schedulers <- unique(summary$scheduler)
colours <- hcl.colors(length(schedulers), "Dark 3")
png(args[2], width = 1200, height = 1000, res = 150)
par(mar = c(11, 4, 1, 1), xpd = NA)
plot(range(summary[["workload.rate_rps"]]), c(0, 1), type = "n", log = "x",
     xlab = "rate (requests/s)", ylab = "utility mean")
for (i in seq_along(schedulers)) {
  rows <- summary[summary$scheduler == schedulers[i], ]
  rows <- rows[order(rows[["workload.rate_rps"]]), ]
  x <- rows[["workload.rate_rps"]]; y <- rows$utility_mean; half <- rows$utility_mean_ci95
  polygon(c(x, rev(x)), c(y - half, rev(y + half)), col = adjustcolor(colours[i], 0.2), border = NA)
  lines(x, y, col = colours[i], type = "o", pch = i)
}
legend("bottom", schedulers, col = colours, lty = 1, pch = seq_along(schedulers), ncol = 2, cex = 0.6, bty = "n", inset = c(0, -0.55))
invisible(dev.off())
