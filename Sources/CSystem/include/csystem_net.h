// What the transport needs from the kernel: epoll, eventfd, Unix sockets, peer credentials. Every function
// that can fail returns the negated errno, so that Swift never races for the thread's errno.
#ifndef COWBIRD_CSYSTEM_NET_H
#define COWBIRD_CSYSTEM_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/types.h>

/// A new epoll instance, closed on exec.
int cowbird_epoll_create(void);

/// Watches `fd` for `events`; `token` comes back with each of its events.
int cowbird_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);

/// Changes what `fd` is watched for.
int cowbird_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);

/// Stops watching `fd`.
int cowbird_epoll_remove(int epoll, int fd);

/// Looks for events, or waits for them. Returns how many of `events` were filled; 0 also when a signal came between.
int cowbird_epoll_wait(int epoll, struct epoll_event *events, int capacity, bool waits);

static inline uint64_t cowbird_event_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t cowbird_event_flags(const struct epoll_event *event) { return event->events; }

/// A non-blocking eventfd with count 0.
int cowbird_eventfd_create(void);

/// Wakes whoever waits for the eventfd.
void cowbird_eventfd_signal(int fd);

/// Sets the eventfd's count back to 0.
void cowbird_eventfd_drain(int fd);

/// A timer that epoll can watch; not set.
int cowbird_timer_create(void);

/// Sets the timer to a moment of the monotonic clock, or to none (UINT64_MAX). What it had to tell is forgotten.
void cowbird_timer_set(int fd, uint64_t nanos);

/// Accepts one connection, non-blocking and closed on exec.
int cowbird_accept(int listener);

/// Reads without blocking. Returns bytes read, 0 at the end, or the negated errno.
ssize_t cowbird_receive(int fd, void *bytes, size_t capacity);

/// Writes without blocking and without SIGPIPE. Returns bytes written or the negated errno.
ssize_t cowbird_send(int fd, const void *bytes, size_t count);

/// Who is at the other end, as the kernel noted it at connect time.
int cowbird_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid);

/// The peer's supplementary groups. Returns how many there are; if that is more than `capacity`, none are filled.
int cowbird_peer_groups(int fd, uint32_t *groups, int capacity);

/// A stream socket, closed on exec; non-blocking if asked.
int cowbird_unix_socket(int nonblocking);

/// Longest path that fits a Unix socket address, without the final zero.
int cowbird_unix_path_limit(void);

/// Binds `fd` to `path`. The socket's file gets the mode that was set on the descriptor.
int cowbird_unix_bind(int fd, const char *path);

/// Connects `fd` to `path`.
int cowbird_unix_connect(int fd, const char *path);

/// 1 when `fd` is a listening Unix stream socket.
int cowbird_is_unix_listener(int fd);

/// Sends one datagram to a Unix datagram socket; a path that starts with '@' is in the abstract namespace.
int cowbird_notify(const char *path, const char *bytes, size_t count);

/// Waits until `fd` is ready for `events` (POLLIN, POLLOUT). Returns 1, 0 at the timeout, or the negated errno.
int cowbird_poll(int fd, short events, int64_t timeout_nanos);

/// Writes the system's words for the error `number` to `text`, with a final zero.
void cowbird_errno_text(int number, char *text, size_t capacity);

#endif
