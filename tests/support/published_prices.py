"""What the vendor says that usage costs, in its documents and tests: usage is in counted units, a bill in cents."""

MILLION = 1_000_000
# Units of each product in one billing period, and what they cost together.
BILLS: list[tuple[dict[str, int], int]] = [
    ({"product_analytics": MILLION}, 0),
    ({"product_analytics": 2 * MILLION}, 50_00),
    ({"product_analytics": 10 * MILLION}, 324_40),
    ({"product_analytics": 500 * MILLION}, 7_118_40),
    ({"session_replay": 15_000}, 50_00),
    ({"session_replay": 150_000}, 372_50),
    ({"product_analytics": 2 * MILLION, "enhanced_persons": 2 * MILLION}, 248_00),
    (dict.fromkeys(("product_analytics", "enhanced_persons", "group_analytics"), 2 * MILLION), 319_00),
    # Groups are those of identified events, of which there are none.
    ({"product_analytics": 2 * MILLION, "enhanced_persons": 0, "group_analytics": 0}, 50_00),
    ({"product_analytics": 2 * MILLION, "enhanced_persons": MILLION}, 50_00),
    ({"logs": 100_000}, 22_50),
    ({"product_analytics": 600_000, "session_replay": 1_200}, 0),
    ({"feature_flags": 1_200_000 + 10 * 150_000}, 131_50),
    ({"product_analytics": 1_600_000, "enhanced_persons": 1_600_000}, 148_80),
    ({"product_analytics": 4_800_000, "enhanced_persons": 4_800_000}, 539_20),
    # A spike to these from a million refunds all of it: not what the two millions between would cost.
    ({"product_analytics": 3 * MILLION}, 84_30),
    ({"product_analytics": 4 * MILLION}, 118_60),
    ({"session_replay": 5_001}, 1),
    ({"batch_exports": 200 * MILLION}, 585_00),
]
