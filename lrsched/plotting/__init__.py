"""Pictures of learning rates: schedules and plans in, matplotlib Axes and Figures out."""

from lrsched.plotting.files import save, show
from lrsched.plotting.going_on import draw_going_on
from lrsched.plotting.picture import draw, plot_schedule

plot = plot_schedule

__all__ = ["draw", "draw_going_on", "plot", "plot_schedule", "save", "show"]
