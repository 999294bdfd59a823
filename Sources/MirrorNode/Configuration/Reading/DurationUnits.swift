// Units that the limits of settings are written in.

func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
