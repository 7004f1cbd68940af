#include "csystem_net.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

// The three calls that every request makes go to the kernel without the C library's cancellation points, which cost two
// atomic exchanges each in a program with threads; nothing here is ever cancelled. The sanitizers watch the library's functions.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif

#ifdef WATCHED
#define DIRECT(function, ...) function(__VA_ARGS__)
#else
#define DIRECT(function, ...) direct_##function(__VA_ARGS__)

static inline int direct_epoll_wait(int epoll, struct epoll_event *events, int capacity, int milliseconds) {
  return (int)syscall(SYS_epoll_pwait, epoll, events, capacity, milliseconds, NULL, 0);
}

static inline ssize_t direct_recv(int fd, void *bytes, size_t capacity, int flags) {
  return syscall(SYS_recvfrom, fd, bytes, capacity, flags, NULL, NULL);
}

static inline ssize_t direct_send(int fd, const void *bytes, size_t count, int flags) {
  return syscall(SYS_sendto, fd, bytes, count, flags, NULL, 0);
}
#endif

static int result(int value) { return value < 0 ? -errno : value; }

int cowbird_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data.u64 = token};
  return result(epoll_ctl(epoll, operation, fd, &event));
}

int cowbird_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int cowbird_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int cowbird_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

int cowbird_epoll_wait(int epoll, struct epoll_event *events, int capacity, bool waits) {
  int count = DIRECT(epoll_wait, epoll, events, capacity, waits ? -1 : 0);
  if (count < 0) return errno == EINTR ? 0 : -errno;
  return count;
}

int cowbird_timer_create(void) { return result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)); }

void cowbird_timer_set(int fd, uint64_t nanos) {
  struct itimerspec time = {0};
  if (nanos != UINT64_MAX) {
    // A time of zero would disarm it.
    if (nanos == 0) nanos = 1;
    time.it_value = (struct timespec){.tv_sec = (time_t)(nanos / 1000000000), .tv_nsec = (long)(nanos % 1000000000)};
  }
  timerfd_settime(fd, TFD_TIMER_ABSTIME, &time, NULL);
}

int cowbird_eventfd_create(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void cowbird_eventfd_signal(int fd) {
  uint64_t one = 1;
  ssize_t written;
  do {
    written = write(fd, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
}

void cowbird_eventfd_drain(int fd) {
  uint64_t count;
  ssize_t got;
  do {
    got = read(fd, &count, sizeof count);
  } while (got < 0 && errno == EINTR);
}

int cowbird_accept(int listener) {
  return result(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

ssize_t cowbird_receive(int fd, void *bytes, size_t capacity) {
  ssize_t count;
  do {
    count = DIRECT(recv, fd, bytes, capacity, MSG_DONTWAIT);
  } while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

ssize_t cowbird_send(int fd, const void *bytes, size_t count) {
  ssize_t written;
  do {
    written = DIRECT(send, fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (written < 0 && errno == EINTR);
  return written < 0 ? -errno : written;
}

int cowbird_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid) {
  struct ucred credentials;
  socklen_t length = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return -errno;
  *uid = credentials.uid;
  *gid = credentials.gid;
  *pid = credentials.pid;
  return 0;
}

int cowbird_peer_groups(int fd, uint32_t *groups, int capacity) {
  socklen_t length = (socklen_t)capacity * sizeof(uint32_t);
  int got = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
  if (got < 0 && errno != ERANGE) return -errno;
  return (int)(length / sizeof(uint32_t));
}

int cowbird_unix_socket(int nonblocking) {
  return result(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0));
}

int cowbird_unix_path_limit(void) { return (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1; }

static bool address_of(const char *path, struct sockaddr_un *address, socklen_t *length) {
  size_t count = strlen(path);
  if (count == 0 || count >= sizeof address->sun_path) return false;
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path, count);
  *length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + count + 1);
  return true;
}

int cowbird_unix_bind(int fd, const char *path) {
  struct sockaddr_un address;
  socklen_t length;
  if (!address_of(path, &address, &length)) return -ENAMETOOLONG;
  return result(bind(fd, (struct sockaddr *)&address, length));
}

int cowbird_unix_connect(int fd, const char *path) {
  struct sockaddr_un address;
  socklen_t length;
  if (!address_of(path, &address, &length)) return -ENAMETOOLONG;
  int connected;
  do {
    connected = connect(fd, (struct sockaddr *)&address, length);
  } while (connected < 0 && errno == EINTR);
  return result(connected);
}

int cowbird_is_unix_listener(int fd) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length) < 0) return -errno;
  if (value != AF_UNIX) return 0;
  length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length) < 0) return -errno;
  if (value != SOCK_STREAM) return 0;
  length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) < 0) return -errno;
  return value != 0;
}

int cowbird_notify(const char *path, const char *bytes, size_t count) {
  struct sockaddr_un address;
  socklen_t length;
  if (!address_of(path, &address, &length)) return -ENAMETOOLONG;
  if (address.sun_path[0] == '@') {
    address.sun_path[0] = 0;
    length -= 1;
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  ssize_t sent = sendto(fd, bytes, count, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
  int outcome = sent < 0 ? -errno : 0;
  close(fd);
  return outcome;
}

int cowbird_poll(int fd, short events, int64_t timeout_nanos) {
  struct pollfd entry = {.fd = fd, .events = events};
  struct timespec limit = {.tv_sec = timeout_nanos / 1000000000, .tv_nsec = timeout_nanos % 1000000000};
  int count = ppoll(&entry, 1, timeout_nanos < 0 ? NULL : &limit, NULL);
  return count < 0 ? -errno : count;
}

void cowbird_errno_text(int number, char *text, size_t capacity) {
  char buffer[128];
  snprintf(text, capacity, "%s", strerror_r(number, buffer, sizeof buffer));
}
