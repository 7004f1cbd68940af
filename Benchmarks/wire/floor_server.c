/*
 * The floor: what the kernel and nothing else costs. One thread, epoll, a Unix socket; what a connection sends is
 * sent back, without a look at it.
 *
 *     floor_server SOCKET
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, EVENTS = 64 };

/* What was read and could not be sent yet. */
struct connection {
  int descriptor;
  size_t start, end;
  char bytes[BUFFER];
};

/* Sends what is left; true when all is sent. */
static int drain(struct connection *connection) {
  while (connection->start < connection->end) {
    ssize_t count = send(connection->descriptor, connection->bytes + connection->start,
                         connection->end - connection->start, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    connection->start += (size_t)count;
  }
  connection->start = connection->end = 0;
  return 1;
}

/* Reads once and sends it back. -1: the connection is over; 0: it cannot take more; 1: all is done. */
static int echo(struct connection *connection) {
  int drained = drain(connection);
  if (drained != 1) return drained;
  ssize_t count = recv(connection->descriptor, connection->bytes, BUFFER, MSG_DONTWAIT);
  if (count <= 0) return count < 0 && errno == EAGAIN ? 1 : -1;
  connection->end = (size_t)count;
  return drain(connection);
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, arguments[1], sizeof address.sun_path - 1);
  unlink(arguments[1]);
  int listener = socket(AF_UNIX, SOCK_STREAM, 0), poll = epoll_create1(0);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) return perror("listen"), 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  puts("ready");
  fflush(stdout);
  for (;;) {
    struct epoll_event events[EVENTS];
    int ready = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      if (!connection) {
        connection = calloc(1, sizeof *connection);
        connection->descriptor = accept(listener, NULL, NULL);
        event = (struct epoll_event){.events = EPOLLIN, .data.ptr = connection};
        epoll_ctl(poll, EPOLL_CTL_ADD, connection->descriptor, &event);
        continue;
      }
      int result = echo(connection);
      if (result < 0) {
        close(connection->descriptor);
        free(connection);
        continue;
      }
      event = (struct epoll_event){.events = result ? EPOLLIN : EPOLLOUT, .data.ptr = connection};
      if (!result || (events[i].events & EPOLLOUT)) epoll_ctl(poll, EPOLL_CTL_MOD, connection->descriptor, &event);
    }
  }
}
