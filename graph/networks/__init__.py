"""Pure networks: values in, values out, no database.

`slices` weighs ties and chooses what is shown; `drawing` turns the choice into a picture, `tables` into rows.
`searching` finds the cheapest chains of papers, `chaining` draws them.
`incidence` is the whole graph as arrays.
"""

from graph.networks.drawing import HEIGHT, WIDTH, Drawing, draw, layout
from graph.networks.incidence import Incidence
from graph.networks.slices import (
    KINDS,
    LIMITS,
    ORDER,
    Count,
    Edge,
    Filters,
    Kind,
    Node,
    Order,
    Relation,
    Slice,
    Tie,
    coauthorship,
    fitting,
    ranked,
    select,
    team_weight,
)

__all__ = [
    "HEIGHT",
    "KINDS",
    "LIMITS",
    "ORDER",
    "WIDTH",
    "Count",
    "Drawing",
    "Edge",
    "Filters",
    "Incidence",
    "Kind",
    "Node",
    "Order",
    "Relation",
    "Slice",
    "Tie",
    "coauthorship",
    "draw",
    "fitting",
    "layout",
    "ranked",
    "select",
    "team_weight",
]
