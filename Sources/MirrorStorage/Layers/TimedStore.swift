/// A store that gives up on its own calls as ``TimeoutStore`` would: after no longer than its limits, and with the same code.
///
/// Where the store can leave a call, that saves the task in which the call could be cancelled, and two changes of threads.
package protocol TimedStore: ObjectStore {}
