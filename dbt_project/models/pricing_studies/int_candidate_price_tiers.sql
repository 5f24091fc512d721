{{ price_tiers_of(ref('candidate_price_list')) }}
