// Units for the limits of settings.

package func minutes(_ count: Int) -> Duration { .seconds(60 * count) }
package func hours(_ count: Int) -> Duration { .seconds(3_600 * count) }
package func days(_ count: Int) -> Duration { .seconds(86_400 * count) }
