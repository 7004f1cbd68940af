// The log's durability under a name of its own: the configuration has a Durability too.

package import EventLog

package typealias LogDurability = Durability
