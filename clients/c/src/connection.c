/*
 * The socket: connecting with backoff, sending without losing what comes meanwhile, receiving with a deadline.
 *
 * The socket is a blocking one, so that the common call is one send and one recv. Sends never wait
 * (MSG_DONTWAIT); receives wait by SO_RCVTIMEO, which is set to a power of two below the time that is left and so
 * changes rarely; the last milliseconds before a deadline are waited for with ppoll, which is exact.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

static struct timespec timespec_of(int64_t nanos) {
  return (struct timespec){nanos / COWBIRD_SECOND, nanos % COWBIRD_SECOND};
}

static void set_timeout(int descriptor, int option, int64_t nanos) {
  struct timeval time = {nanos / COWBIRD_SECOND, nanos % COWBIRD_SECOND / 1000};
  setsockopt(descriptor, SOL_SOCKET, option, &time, sizeof time);
}

static bool socket_address(const char *path, struct sockaddr_un *address, socklen_t *size) {
  size_t length = strlen(path);
  if (length >= sizeof address->sun_path) return false;
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  memcpy(address->sun_path, path, length);
  if (path[0] == '@') address->sun_path[0] = 0;
  *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (path[0] != '@'));
  return true;
}

/* One try. Returns a descriptor, or a negated errno. */
static int connect_once(const struct sockaddr_un *address, socklen_t size, int64_t remaining) {
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -errno;
  set_timeout(descriptor, SO_SNDTIMEO, remaining > 1000000 ? remaining : 1000000);
  int result;
  do result = connect(descriptor, (const struct sockaddr *)address, size);
  while (result < 0 && errno == EINTR);
  if (result < 0) {
    result = -errno;
    close(descriptor);
    return result;
  }
  return descriptor;
}

cowbird_code connection_open(cowbird_client *client, deadline until) {
  if (client->descriptor >= 0) return COWBIRD_OK;
  struct sockaddr_un address;
  socklen_t size;
  if (!socket_address(client->path, &address, &size))
    return client_fail(client, COWBIRD_INVALID_ARGUMENT, "socket: \"%.200s\" is longer than %zu bytes",
                       client->path, sizeof address.sun_path - 1);
  deadline patience = now_nanos() + client->options.connect_timeout_nanos;
  deadline end = until < patience ? until : patience;
  for (unsigned failures = 1;; failures++) {
    int64_t remaining = end - now_nanos();
    int result = remaining > 0 ? connect_once(&address, size, remaining) : -EAGAIN;
    if (result >= 0) {
      client->descriptor = result;
      client->receive_timeout = 0;
      buffer_clear(&client->in);
      return COWBIRD_OK;
    }
    if (result == -EACCES || result == -EPERM)
      return client_fail(client, COWBIRD_PERMISSION_DENIED, "cannot connect to %s: %s", client->path,
                         strerror(-result));
    int64_t pause = client_backoff(client, failures);
    bool again = client->options.reconnect || result == -EAGAIN;
    remaining = end - now_nanos();
    if (again && remaining > 0) {
      if (pause > remaining) pause = remaining;
      struct timespec time = timespec_of(pause);
      while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) == EINTR) {}
      if (end - now_nanos() > 0) continue;
    }
    if (end == until && now_nanos() >= until)
      return client_fail(client, COWBIRD_DEADLINE_EXCEEDED, "no connection to %s in time: %s", client->path,
                         strerror(-result));
    return client_fail(client, COWBIRD_UNAVAILABLE, "cannot connect to %s: %s; is the daemon running?",
                       client->path, strerror(-result));
  }
}

static void close_descriptor(cowbird_client *client) {
  close(client->descriptor);
  client->descriptor = -1;
}

void connection_close(cowbird_client *client, const char *why) {
  if (client->descriptor < 0) return;
  close_descriptor(client);
  slots_lose(client, why);
}

/*
 * True: nothing of what is in flight has left this process, so it can all go over a new connection. Frames of
 * calls that were given up are dropped from the queue then: the first of them may be half sent.
 */
static bool can_move(cowbird_client *client) {
  uint64_t first = slots_first_byte(client);
  if (first < client->sent || first == client->queued) return false;
  client->out.start += first - client->sent;
  client->sent = first;
  return true;
}

/* The connection broke. OK: what was queued stands before a new one. */
static cowbird_code connection_lost(cowbird_client *client, const char *doing, int error, deadline until) {
  char why[200];
  snprintf(why, sizeof why, "%s: %s", doing, error ? strerror(error) : "the server closed it");
  close_descriptor(client);
  if (client->options.reconnect && can_move(client)) {
    cowbird_code code = connection_open(client, until);
    if (code != COWBIRD_OK) slots_lose(client, why);
    return code;
  }
  slots_lose(client, why);
  return client_fail(client, COWBIRD_UNAVAILABLE, "the connection was lost (%s)", why);
}

/* Waits with ppoll. Returns revents; 0: the time is over. */
static short wait_for(int descriptor, short events, deadline until) {
  struct pollfd poll = {descriptor, events, 0};
  for (;;) {
    struct timespec time, *limit = NULL;
    if (until != NO_DEADLINE) {
      int64_t remaining = until - now_nanos();
      time = timespec_of(remaining > 0 ? remaining : 0);
      limit = &time;
    }
    int result = ppoll(&poll, 1, limit, NULL);
    if (result > 0) return poll.revents;
    if (result == 0) return 0;
    if (errno != EINTR && errno != ENOMEM) return POLLERR;
  }
}

/* Room for one frame's rest, or for a good many small frames. */
static bool reserve_input(cowbird_client *client) {
  struct buffer *in = &client->in;
  if (in->start == in->end) buffer_clear(in);
  size_t room = 32768;
  if (buffer_size(in) >= FRAME_HEADER_BYTES) {
    struct frame frame;
    frame_read_header(in->bytes + in->start, &frame);
    size_t whole = FRAME_HEADER_BYTES + (size_t)frame.size;
    if (whole > buffer_size(in) + room) room = whole - buffer_size(in);
  }
  return buffer_reserve(in, room);
}

/* Reads once. OK, NOT_YET (nothing there, or SO_RCVTIMEO went by), UNAVAILABLE, RESOURCE_EXHAUSTED. */
static cowbird_code receive_once(cowbird_client *client, int flags, deadline until) {
  struct buffer *in = &client->in;
  if (!reserve_input(client)) {
    connection_close(client, "out of memory");
    return client_no_memory(client);
  }
  ssize_t count;
  do count = recv(client->descriptor, in->bytes + in->end, in->capacity - in->end, flags);
  while (count < 0 && errno == EINTR && (flags & MSG_DONTWAIT));
  if (count > 0) {
    in->end += (size_t)count;
    return COWBIRD_OK;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return COWBIRD_NOT_YET;
  cowbird_code code = connection_lost(client, "receiving", count < 0 ? errno : 0, until);
  return code == COWBIRD_OK ? COWBIRD_NOT_YET : code;
}

cowbird_code connection_fill(cowbird_client *client, deadline until) {
  for (;;) {
    if (client->descriptor < 0)
      return client_fail(client, COWBIRD_UNAVAILABLE, "the connection was lost (%s)", client->lost);
    int flags = 0;
    int64_t slice = 0, remaining = 0;
    if (until != NO_DEADLINE) {
      remaining = until - now_nanos();
      for (slice = 4 * COWBIRD_MILLISECOND; slice <= remaining / 4; slice *= 2) {}
      if (slice > remaining / 2) {
        flags = MSG_DONTWAIT;
        if (remaining > 0 && !wait_for(client->descriptor, POLLIN, until)) return COWBIRD_NOT_YET;
      }
    }
    if (!flags && client->receive_timeout != slice) {
      set_timeout(client->descriptor, SO_RCVTIMEO, slice);
      client->receive_timeout = slice;
    }
    cowbird_code code = receive_once(client, flags, until);
    if (code != COWBIRD_NOT_YET) return code;
    if (buffer_size(&client->out)) return COWBIRD_OK; /* a new connection: there is something to send */
    if (until != NO_DEADLINE && now_nanos() >= until) return COWBIRD_NOT_YET;
  }
}

cowbird_code connection_transmit(cowbird_client *client, deadline until) {
  struct buffer *out = &client->out;
  while (buffer_size(out)) {
    ssize_t count = send(client->descriptor, out->bytes + out->start, buffer_size(out),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      out->start += (size_t)count;
      client->sent += (size_t)count;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      short ready = wait_for(client->descriptor, POLLIN | POLLOUT, until);
      if (!ready)
        return client_fail(client, COWBIRD_DEADLINE_EXCEEDED, "the time was over before all was sent");
      if (ready & POLLIN) {
        cowbird_code code = receive_once(client, MSG_DONTWAIT, until);
        if (code > 0) return code;
        struct frame frame;
        while (connection_next(client, &frame)) slot_deliver(client, &frame);
        if (client->descriptor < 0)
          return client_fail(client, COWBIRD_UNAVAILABLE, "the connection was lost (%s)", client->lost);
      }
      continue;
    }
    cowbird_code code = connection_lost(client, "sending", errno, until);
    if (code != COWBIRD_OK) return code;
  }
  buffer_clear(out);
  return COWBIRD_OK;
}

bool connection_next(cowbird_client *client, struct frame *frame) {
  struct buffer *in = &client->in;
  if (buffer_size(in) < FRAME_HEADER_BYTES) return false;
  frame_read_header(in->bytes + in->start, frame);
  if (frame->size > COWBIRD_FRAME_BYTES_MAX) {
    connection_close(client, "the server sent a frame of more than 4 MiB");
    return false;
  }
  if (buffer_size(in) - FRAME_HEADER_BYTES < frame->size) return false;
  in->start += FRAME_HEADER_BYTES + (size_t)frame->size;
  return true;
}
