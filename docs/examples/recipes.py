"""Recipes that people train with, as schedules."""

from lrsched import schedules

resnet = schedules.multi_step(peak=0.1, milestones=[150_000, 300_000], horizon=450_000)
vit = schedules.cosine(peak=1e-3, horizon=300_000, warmup=10_000)
transformer = schedules.inverse_sqrt(peak=7e-4, warmup=4000, horizon=100_000)
language_model = schedules.warmup_stable_decay(peak=3e-4, horizon=100_000, warmup="2%", decay="20%")
super_convergence = schedules.one_cycle(peak=0.8, horizon=20_000)
snapshots = schedules.cosine_with_restarts(peak=0.1, cycle=10_000, cycles=6)
