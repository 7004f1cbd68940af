// Whether input comes as it happens, so that what was read must not wait for more.

import Glibc

enum Liveness {
  /// From files, which are there.
  case whole
  /// From something that may make us wait.
  case live
  /// From a pipe that can be asked whether there is more.
  case pipe(Int32)

  var mustFlush: Bool {
    switch self {
    case .whole: return false
    case .live: return true
    case .pipe(let descriptor):
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      return poll(&waiting, 1, 0) <= 0 || waiting.revents & Int16(POLLIN) == 0
    }
  }
}
