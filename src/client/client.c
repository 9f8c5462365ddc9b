/*
 * macvtap-client: the program that a container runtime starts for a CNI call on a node where "macvtap agent" is resident.
 *
 * It decides nothing. It hands the call to the agent (environment, stdin, its network namespace, CNI_NETNS, its root
 * directory), does for it what only a child of the runtime can do (run an IPAM plugin, write the answer to stdout), and
 * ends with the agent's status. Where no agent answers, or one that refuses, it becomes "macvtap-standalone", the whole
 * plugin in one executable, which lies beside it; where there is none either, it answers with CNI's code 11, try again
 * later. An ADD that an agent may have begun is never begun a second time.
 *
 * The conversation is docs/agent.md's: packets of words over a unix socket that keeps packets apart (SOCK_SEQPACKET). A
 * text lies behind the words of its packet, or beside it in a memory file where it is long: no packet is ever half there.
 *
 * There is no C library below it, but freestanding.h: it starts in a tenth of a millisecond and runs on any host of its
 * architecture. From the top: the ways out, what is handed over, what the agent may ask for, the conversation, and where
 * it all begins.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <linux/memfd.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "freestanding.h"

/* AGENT_SOCKET, CONVERSATION, PLUGIN_VERSION, PROTOCOLS and VERSION_DOCUMENT come from the sources, through the build. */

enum {
  longest_stdin = 1024 * 1024,           /* bytes; the plugin refuses more, so little more than that is read */
  longest_environment = 4 * 1024 * 1024, /* bytes; no exec(2) takes more */
  most_variables = 65536,
  patience = 55,               /* seconds for all of a call: runtimes give up after a minute or more */
  reader_patience = 5,         /* for a stdout that takes nothing */
  child_patience = 1,          /* for an IPAM plugin whose agent is gone */
  most_descriptors = 4,
  longest_packet = 65536,
  longest_text = 32768 /* bytes of a text that is sent behind its words */
};

/* ---- the call, and the ways out of it ---- */

static char **arguments, **environment;
static const char *own_path = ""; /* as execve(2) was given it */
static char input[longest_stdin + 65536]; /* stdin, or as much of it as shows that it is too long */
static long input_size = -1;       /* before it has been read */
static long stdin_errno;
static int connection = -1, signals = -1;
static long child;          /* the process id of the IPAM plugin that runs, or 0 */
static uint64_t first_mask; /* signals that were blocked when this program was started */
static const uint64_t broken_pipe = 1UL << (SIGPIPE - 1); /* a pipe without a reader is EPIPE, and no end */

static const char *variable(const char *name) {
  for (char **entry = environment; *entry != NULL; entry++) {
    const char *rest = after_prefix(*entry, name);
    if (rest != NULL && *rest == '=') return rest + 1;
  }
  return "";
}

static _Noreturn void end(int status) {
  for (;;) SYS(exit_group, status);
}

/* For people; where that fails there is nobody left to tell. */
static void tell(const char *words) { (void)write_all(2, words, length(words)); }

/* An error object of the protocol; where stdout takes none, the words go to stderr. */
static _Noreturn void fail(const char *msg, const char *details) {
  static struct text answer;
  PUT(&answer, "{\n    \"cniVersion\": \"1.1.0\",\n    \"code\": 11,\n    \"msg\": \"", msg, "\",\n    \"details\": \"", details,
      "\"\n}");
  if (write_all(1, answer.bytes, answer.size) < 0) tell(answer.bytes);
  end(1);
}

/* Whoever comes after this program finds signals as it was given them: a SIGPIPE of ours is not for it. */
static void unmask_signals(void) {
  struct timespec at_once = {0, 0};
  (void)SYS(rt_sigtimedwait, &broken_pipe, NULL, &at_once, 8);
  SYS(rt_sigprocmask, SIG_SETMASK, &first_mask, NULL, 8);
}

/* Becomes the standalone executable, with the arguments, environment and stdin that were given; returns -errno. */
static long become_standalone(struct text *path) {
  PUT(path, own_path);
  while (path->size > 0 && path->bytes[path->size - 1] != '/') path->size--;
  PUT(path, "macvtap-standalone");
  if (input_size >= 0 && stdin_errno == 0) {
    long file = memory_file(), error = file < 0 ? file : write_all(file, input, input_size);
    if (error >= 0) error = SYS(lseek, file, 0, SEEK_SET);
    if (error >= 0) error = SYS(dup3, file, 0, 0);
    if (error < 0) return error;
  }
  unmask_signals();
  return SYS(execve, path->bytes, arguments, environment);
}

static _Noreturn void stand_alone(const char *why) {
  static struct text path, msg, details;
  long error = become_standalone(&path);
  int there = error != -ENOENT || SYS(faccessat, AT_FDCWD, path.bytes, 0) == 0; /* without its loader it is ENOENT too */
  PUT(&msg, "no agent of macvtap-cni answers this call: ", why);
  PUT(&details, path.bytes, there ? " cannot be started on this host, errno " : ", which would do without one, is not there",
      there ? decimal(-error) : "",
      "; start the agent (macvtap agent) on this node, or install macvtap-standalone beside this program");
  fail(plain(&msg), plain(&details));
}

/* The agent has the call and is gone. Its plugin is given a moment: one that is killed may leave an address behind. */
static _Noreturn void lost(const char *why) {
  if (child > 0) {
    (void)wait_for(&(struct pollfd){signals, POLLIN, 0}, 1, child_patience);
    (void)SYS(kill, -child, SIGKILL);
    while (SYS(wait4, child, NULL, 0, NULL) == -EINTR);
  }
  if (!equal(variable("CNI_COMMAND"), "ADD")) stand_alone(why);
  fail(why, "what the ADD had made is taken back by the agent, or by the DEL that follows; try again");
}

/* ---- what is handed over ---- */

static void read_stdin(void) {
  for (input_size = 0; stdin_errno == 0 && input_size <= longest_stdin;) {
    long got = SYS(read, 0, input + input_size, 65536);
    if (got == 0) break;
    if (got > 0) input_size += got;
    else if (got == -EAGAIN) (void)wait_for(&(struct pollfd){0, POLLIN, 0}, 1, -1);
    else if (got != -EINTR) stdin_errno = -got;
  }
}

/* The environment as it lies in memory: strings, one behind the other, each with its NUL. */
static struct iovec environment_text(void) {
  char **last = environment;
  while (*last != NULL) last++;
  if (last == environment) return (struct iovec){NULL, 0};
  return (struct iovec){environment[0], (size_t)(last[-1] + length(last[-1]) + 1 - environment[0])};
}

/* Both texts in a memory file; -1 where there is none to be had. */
static int file_of(const struct iovec *texts) {
  int file = memory_file();
  for (int i = 0; i < 2 && file >= 0; i++)
    if (write_all(file, texts[i].iov_base, (long)texts[i].iov_len) < 0) return -1;
  return file;
}

/* Descriptors beside a packet. */
union beside {
  struct cmsghdr header;
  char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
};

/* Sends a packet of so many parts, with descriptors beside it; 0, or -errno. */
static long send_packet(struct iovec *parts, size_t part_count, const int *descriptors, int count) {
  size_t size = sizeof(int) * (size_t)count;
  union beside beside = {{.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = part_count, .msg_control = count > 0 ? &beside : NULL};
  if (count > 0) message.msg_controllen = CMSG_SPACE(size);
  memcpy(CMSG_DATA(&beside.header), descriptors, size);
  long sent = SYS(sendmsg, connection, &message, MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

static long send_words(const char *words) {
  return send_packet(&(struct iovec){(void *)words, (size_t)length(words)}, 1, NULL, 0);
}

static void say(const char *word, long number) {
  static struct text words;
  words.size = 0;
  PUT(&words, word, decimal(number));
  if (send_words(words.bytes) < 0) lost("the agent has ended");
}

/* Before stdin is read: an agent that has to wake up does so meanwhile. */
static void reach_agent(void) {
  struct sockaddr_un address = {AF_UNIX, AGENT_SOCKET};
  connection = (int)SYS(socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0) stand_alone("there are no unix sockets");
  if (SYS(connect, connection, &address, sizeof address) < 0) stand_alone("nobody listens on " AGENT_SOCKET);
}

static void hand_over(const char *program) {
  static struct text words;
  const char *netns = variable("CNI_NETNS");
  long root = SYS(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  /* A socket's own namespace: the one that this process is in. /proc may not be there; qemu-user knows only that. */
  long own_netns = SYS(ioctl, connection, SIOCGSKNS);
  if (own_netns < 0) own_netns = SYS(openat, AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  /* O_PATH opens nothing, whatever lies there; the agent looks at what it is. */
  long container_netns = *netns == 0 ? -ENOENT : SYS(openat, AT_FDCWD, netns, O_PATH | O_CLOEXEC);
  struct iovec parts[3] = {{words.bytes, 0}, environment_text(), {input, (size_t)input_size}};
  int is_long = parts[1].iov_len + parts[2].iov_len > longest_text, count = 2;
  int descriptors[most_descriptors] = {(int)root, (int)own_netns};
  if (container_netns >= 0) descriptors[count++] = (int)container_netns;
  if (is_long) descriptors[count++] = file_of(parts + 1);
  for (int i = 0; i < count; i++)
    if (descriptors[i] < 0) stand_alone("what the agent needs of this process cannot be opened");

  PUT(&words, "macvtap " CONVERSATION " call ", decimal(stdin_errno), " ",
      decimal(container_netns < 0 ? -container_netns : 0), " ", decimal((long)parts[1].iov_len), " ", program);
  parts[0].iov_len = (size_t)words.size + 1;
  long error = send_packet(parts, is_long ? 1 : 3, descriptors, count);
  if (error == -EPIPE || error == -ECONNRESET) { /* stdin came late: who listened let go, or ended; nothing has begun */
    SYS(close, connection);
    reach_agent();
    error = send_packet(parts, is_long ? 1 : 3, descriptors, count);
  }
  if (error < 0) stand_alone("the agent takes no call");
  for (int i = 0; i < count; i++) SYS(close, descriptors[i]);
}

/* ---- what the agent may ask for ---- */

/* What belongs to a packet's words, with a NUL behind it. */
struct belonging {
  char *bytes;
  long size; /* or -errno */
};

/* The text behind the words, or in the memory file. */
static struct belonging text_of(char *words, long packet_size, int file) {
  static char long_text[longest_environment + 1];
  char *behind = words + length(words) + 1;
  if (file < 0) return (struct belonging){behind, behind < words + packet_size ? words + packet_size - behind : 0};
  long size = SYS(pread64, file, long_text, sizeof long_text, 0);
  if (size == sizeof long_text) size = -E2BIG;
  long_text[size > 0 ? size : 0] = 0;
  return (struct belonging){long_text, size};
}

/* Writes the answer to stdout, as fast as its reader takes it; 0, or -errno. */
static long write_answer(struct belonging answer) {
  for (long at = 0; at < answer.size;) {
    long ready = wait_for(&(struct pollfd){1, POLLOUT, 0}, 1, reader_patience);
    if (ready <= 0) return ready == 0 ? -EAGAIN : ready;
    /* 4096 bytes: so much a pipe that poll(2) calls writable takes without waiting. */
    long wrote = SYS(write, 1, answer.bytes + at, answer.size - at < 4096 ? answer.size - at : 4096);
    if (wrote < 0 && wrote != -EAGAIN && wrote != -EINTR) return wrote;
    if (wrote > 0) at += wrote;
  }
  return answer.size < 0 ? answer.size : 0;
}

static void deliver(int status, struct belonging answer) {
  long error = write_answer(answer);
  if (error < 0) {
    say("undelivered ", -error);
    return;
  }
  /* An agent that has stopped waiting for this takes the ADD back: then it is no success. */
  end(send_words("delivered") < 0 ? 1 : status);
}

/* In the child: becomes the plugin, or tells why not through `report`. */
static _Noreturn void become_plugin(char **words, const int *streams, int report) {
  long error = 0;
  for (int i = 0; i < 3 && error >= 0; i++) error = SYS(dup3, streams[i], i, 0);
  SYS(setsid); /* a process group of its own, which can be killed as a whole */
  unmask_signals();
  char *argv[] = {words[0], NULL};
  if (error >= 0) error = SYS(execve, words[0], argv, words + 1);
  (void)write_all(report, (const char *)&error, sizeof error);
  end(127);
}

/* Runs a plugin with these three streams: its path, and the strings of its environment. */
static void run(struct belonging program, const int *streams) {
  static char *words[most_variables];
  int report[2] = {-1, -1}, count = 0;
  long refusal = 0, at = 0;
  for (; at < program.size && count < most_variables - 1; at += length(program.bytes + at) + 1)
    words[count++] = program.bytes + at;
  words[count] = NULL;
  long error = child > 0 ? -EBUSY : program.size < 0 ? program.size : count == 0 || at < program.size ? -E2BIG : 0;
  if (error >= 0) error = SYS(pipe2, report, O_CLOEXEC);
  if (error >= 0) error = SYS(clone, SIGCHLD, 0, 0, 0, 0);
  if (error == 0) become_plugin(words, streams, report[1]);
  if (error > 0) child = error;
  if (report[1] >= 0) SYS(close, report[1]);
  if (error > 0 && SYS(read, report[0], &refusal, sizeof refusal) == (long)sizeof refusal) {
    while (SYS(wait4, child, NULL, 0, NULL) == -EINTR);
    child = 0;
    error = refusal;
  }
  if (report[0] >= 0) SYS(close, report[0]);
  if (error < 0) say("unstarted ", -error);
}

/* ---- the conversation ---- */

static void heed_signal(void) {
  struct signalfd_siginfo heard;
  int status = 0;
  if (SYS(read, signals, &heard, sizeof heard) != (long)sizeof heard) return; /* none any more */
  if (heard.ssi_signo != SIGCHLD) say("stop ", heard.ssi_signo);
  else if (child > 0 && SYS(wait4, child, &status, 1 /* WNOHANG */, NULL) == child) {
    child = 0;
    say("ended ", status);
  }
}

static void heed_agent(void) {
  static char words[longest_packet];
  int descriptors[most_descriptors] = {-1, -1, -1, -1};
  union beside beside;
  struct iovec part = {words, sizeof words - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &beside};
  message.msg_controllen = CMSG_LEN(sizeof descriptors); /* with what CMSG_SPACE adds there would be room for one more */
  long size = SYS(recvmsg, connection, &message, MSG_CMSG_CLOEXEC);
  if (size == -EAGAIN || size == -EINTR) return;
  if (size <= 0) lost("the agent has ended");
  words[size] = 0;
  /* No descriptor could be had for what came beside it, say: too many are open. */
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) lost("a packet of the agent's did not come whole");
  if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && beside.header.cmsg_type == SCM_RIGHTS)
    memcpy(descriptors, CMSG_DATA(&beside.header), beside.header.cmsg_len - CMSG_LEN(0));

  const char *rest;
  if ((rest = after_prefix(words, "tell ")) != NULL) tell(rest);
  else if ((rest = after_prefix(words, "deliver ")) != NULL)
    deliver(number_in(rest), text_of(words, size, descriptors[0]));
  else if ((rest = after_prefix(words, "exit ")) != NULL) end(number_in(rest));
  else if ((rest = after_prefix(words, "refused ")) != NULL) stand_alone(rest);
  else if (equal(words, "run")) run(text_of(words, size, descriptors[3]), descriptors);
  else if (equal(words, "kill")) (void)(child > 0 && SYS(kill, -child, SIGKILL));
  else lost("the agent says what this client does not know");
  for (int i = 0; i < most_descriptors; i++)
    if (descriptors[i] >= 0) SYS(close, descriptors[i]);
}

static _Noreturn void converse(void) {
  struct timespec begun = {0, 0}, now;
  for (;;) {
    SYS(clock_gettime, 1 /* CLOCK_MONOTONIC */, &now);
    if (begun.tv_sec == 0) begun = now;
    long left = begun.tv_sec + patience - now.tv_sec;
    struct pollfd sources[2] = {{connection, POLLIN, 0}, {signals, POLLIN, 0}};
    /* Closing the connection is what tells the agent to take back what it has done. */
    if (left <= 0 || wait_for(sources, 2, left) == 0)
      fail("the agent has not answered in time", "it takes back what it has done; try again");
    if (sources[1].revents != 0) heed_signal();
    if (sources[0].revents != 0) heed_agent();
  }
}

/* ---- the beginning ---- */

static _Noreturn void answer_person(const char *program) {
  static struct text path, about;
  (void)become_standalone(&path); /* it knows every other word: "macvtap doctor", say */
  if (arguments[0] == NULL || arguments[1] == NULL) {
    PUT(&about, "CNI ", program, " plugin version " PLUGIN_VERSION "\nCNI protocol versions supported: " PROTOCOLS "\n");
    tell(about.bytes);
    end(0);
  }
  /* By this line `macvtap install` and `macvtap doctor` know a client. */
  tell("CNI macvtap client version " PLUGIN_VERSION ", for the agent on " AGENT_SOCKET "\n"
       "only macvtap-standalone beside this program takes arguments, and it is not there\n");
  end(2);
}

__attribute__((used)) _Noreturn void begin(long *stack) {
  static const char version[] = VERSION_DOCUMENT "\n";
  arguments = (char **)(stack + 1);
  environment = arguments + stack[0] + 1;
  char **entry = environment;
  while (*entry != NULL) entry++;
  for (unsigned long *aux = (unsigned long *)(entry + 1); aux[0] != AT_NULL; aux += 2)
    if (aux[0] == AT_EXECFN) own_path = (const char *)aux[1];
  /* A stream that is closed must not be what the next descriptor is called; nothing is read from this one, nor written. */
  for (int i = 0; i < 3; i++)
    if (SYS(fcntl, i, F_GETFD) == -EBADF && SYS(openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC) != i) end(1);
  SYS(rt_sigprocmask, SIG_BLOCK, &broken_pipe, &first_mask, 8);

  const char *command = variable("CNI_COMMAND"), *program = arguments[0] == NULL ? "" : arguments[0];
  for (const char *at = program; *at != 0; at++)
    if (*at == '/') program = at + 1;
  if (*command == 0) answer_person(program);
  if (equal(command, "VERSION")) {
    if (write_all(1, version, sizeof version - 1) == 0) end(0);
    stand_alone("stdout takes no answer");
  }
  reach_agent();
  read_stdin();
  const uint64_t watched = 1UL << (SIGTERM - 1) | 1UL << (SIGINT - 1) | 1UL << (SIGHUP - 1) | 1UL << (SIGQUIT - 1) |
                           1UL << (SIGCHLD - 1);
  SYS(rt_sigprocmask, SIG_BLOCK, &watched, NULL, 8);
  signals = (int)SYS(signalfd4, -1, &watched, 8, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) stand_alone("there is no signalfd(2)");
  hand_over(program);
  converse();
}
