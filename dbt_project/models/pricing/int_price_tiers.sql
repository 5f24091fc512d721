{{ price_tiers_of(ref('price_list')) }}
