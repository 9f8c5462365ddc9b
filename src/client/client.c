/*
 * macvtap-client: the program that a container runtime starts for a CNI call on a node where "macvtap agent" is resident.
 *
 * It decides nothing. It hands the call to the agent (environment, stdin, its network namespace, CNI_NETNS, its root
 * directory), does for it what only a child of the runtime can do (run an IPAM plugin, write the answer to stdout), and
 * ends with the agent's status. Where no agent answers, or one that refuses, it becomes "macvtap-standalone", the whole
 * plugin in one executable, which lies beside it; where there is none either, it answers with CNI's code 11, try again
 * later. An ADD that an agent may have begun is never begun a second time.
 *
 * The conversation is docs/agent.md's: packets of words over a unix socket that keeps packets apart (SOCK_SEQPACKET).
 * Texts of any length travel beside a packet as the descriptor of a memory file, so no packet is ever half there.
 *
 * There is no C library below it: it starts in a tenth of a millisecond, is a few kilobytes, and runs on any host of its
 * architecture. System calls answer -errno.
 *
 * From the top: the kernel, texts, the ways out, what is handed over, what the agent may ask for, the conversation.
 */
#define _GNU_SOURCE
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/auxvec.h>
#include <linux/memfd.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef AGENT_SOCKET
#define AGENT_SOCKET "/run/macvtap-cni/agent.sock"
#endif
#ifndef CONVERSATION
#define CONVERSATION "1"
#endif
#ifndef PLUGIN_VERSION
#error "PLUGIN_VERSION, PROTOCOLS and VERSION_DOCUMENT come from src/cni/call/version.ts, through the build"
#endif

enum {
  longest_stdin = 1024 * 1024, /* bytes; the plugin refuses more, so no more than one above it is read */
  patience = 55 * 1000,             /* milliseconds for all of a call: runtimes give up after a minute or more */
  reader_patience = 5 * 1000,       /* for a stdout that takes nothing */
  child_patience = 1000,            /* for an IPAM plugin whose agent is gone */
  most_descriptors = 5
};

/* ---- the kernel ---- */

static long sys(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "this architecture's system call is missing"
#endif
}
#define SYS_(name, a, b, c, d, e, f, ...) \
  sys(__NR_##name, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
/* SYS(close, fd) */
#define SYS(name, ...) SYS_(name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0)

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp,%ebp; mov %rsp,%rdi; and $-16,%rsp; call begin");
#else
__asm__(".globl _start\n_start: mov x29,#0; mov x30,#0; mov x0,sp; bl begin");
#endif

/* The compiler may ask for these two. */
void *memset(void *to, int byte, size_t size) {
  for (size_t i = 0; i < size; i++) ((char *)to)[i] = (char)byte;
  return to;
}
void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

static int memory_file(void) {
  long fd = SYS(memfd_create, "macvtap", MFD_CLOEXEC | 0x8U /* MFD_NOEXEC_SEAL, of Linux 6.3 */);
  return (int)(fd == -EINVAL ? SYS(memfd_create, "macvtap", MFD_CLOEXEC) : fd);
}

/* 0, or -errno. */
static long write_all(int fd, const char *bytes, long size) {
  while (size > 0) {
    long wrote = SYS(write, fd, bytes, size);
    if (wrote < 0 && wrote != -EINTR) return wrote;
    if (wrote > 0) bytes += wrote, size -= wrote;
  }
  return 0;
}

/* ---- texts ---- */

struct text {
  long size;
  char bytes[16384];
};

static long length(const char *s) {
  long n = 0;
  while (s[n] != 0) n++;
  return n;
}
static int equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}
static const char *after_prefix(const char *s, const char *prefix) {
  while (*prefix != 0)
    if (*s++ != *prefix++) return NULL;
  return s;
}
/* What does not fit is left out: only this program's own words and paths come here. */
static void put(struct text *text, const char *s) {
  for (; *s != 0 && text->size < (long)sizeof text->bytes; s++) text->bytes[text->size++] = *s;
}
static void put_number(struct text *text, long number) {
  char digits[24], *at = digits + sizeof digits - 1;
  for (*at = 0; at == digits + sizeof digits - 1 || number > 0; number /= 10) *--at = (char)('0' + number % 10);
  put(text, at);
}
/* As part of a JSON string: what would end it, or is no plain character, becomes a question mark. */
static void put_json(struct text *text, const char *s) {
  for (; *s != 0; s++) {
    char one[2] = {*s == '"' || *s == '\\' || (unsigned char)*s < 0x20 ? '?' : *s, 0};
    put(text, one);
  }
}
static long number_in(const char *s) {
  long number = 0;
  for (; *s >= '0' && *s <= '9'; s++) number = number * 10 + *s - '0';
  return number;
}

/* ---- the call, and the ways out of it ---- */

static char **arguments, **environment;
static const char *own_path = ""; /* as execve(2) was given it */
static int standard_stream_missing[3];
static int stdin_file = -1; /* all of stdin, once it has been read */
static long stdin_errno;
static int connection = -1, signals = -1;
static long child; /* the process id of the IPAM plugin that runs, or 0 */
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

/* Whoever comes after this program finds signals as it was given them: a SIGPIPE of ours is not for it. */
static void unmask_signals(void) {
  struct timespec at_once = {0, 0};
  (void)SYS(rt_sigtimedwait, &broken_pipe, NULL, &at_once, 8);
  SYS(rt_sigprocmask, SIG_SETMASK, &first_mask, NULL, 8);
}

static void tell(const char *words, long size) { (void)write_all(2, words, size); /* there is nobody left to tell */ }

/* An error object of the protocol; where stdout takes none, the words go to stderr. */
static _Noreturn void fail(const char *msg, const char *details) {
  static struct text answer;
  put(&answer, "{\"cniVersion\":\"1.1.0\",\"code\":11,\"msg\":\"");
  put_json(&answer, msg);
  put(&answer, "\",\"details\":\"");
  put_json(&answer, details);
  put(&answer, "\"}\n");
  int out = standard_stream_missing[1] ? 2 : 1;
  if (write_all(out, answer.bytes, answer.size) < 0) tell(answer.bytes, answer.size);
  end(1);
}

/* Becomes the standalone executable, with the arguments, environment and stdin that were given; returns -errno. */
static long become_standalone(struct text *path) {
  long folder = 0;
  for (long i = 0; own_path[i] != 0; i++)
    if (own_path[i] == '/') folder = i + 1;
  for (long i = 0; i < folder; i++) put(path, (char[]){own_path[i], 0});
  put(path, "macvtap-standalone");
  if (path->size >= (long)sizeof path->bytes) return -ENAMETOOLONG;
  path->bytes[path->size] = 0;
  if (stdin_file >= 0 && stdin_errno == 0) {
    long error = SYS(lseek, stdin_file, 0, SEEK_SET);
    if (error >= 0) error = SYS(dup3, stdin_file, 0, 0);
    if (error < 0) return error;
  }
  unmask_signals();
  return SYS(execve, path->bytes, arguments, environment);
}

static _Noreturn void stand_alone(const char *why) {
  static struct text path, msg, details;
  long error = become_standalone(&path);
  put(&msg, "no agent of macvtap-cni answers this call: ");
  put(&msg, why);
  put(&details, "and ");
  put(&details, path.bytes);
  put(&details, error == -ENOENT ? ", which would do without one, is not there" : " cannot be started, errno ");
  if (error != -ENOENT) put_number(&details, -error);
  put(&details, "; start the agent (macvtap agent) on this node, or install macvtap-standalone beside this program");
  msg.bytes[msg.size < (long)sizeof msg.bytes ? msg.size : (long)sizeof msg.bytes - 1] = 0;
  details.bytes[details.size < (long)sizeof details.bytes ? details.size : (long)sizeof details.bytes - 1] = 0;
  fail(msg.bytes, details.bytes);
}

/* The agent has the call and is gone. Its plugin is given a moment: one that is killed may leave an address behind. */
static _Noreturn void lost(const char *why) {
  if (child > 0) {
    struct pollfd heard = {signals, POLLIN, 0};
    struct timespec limit = {child_patience / 1000, 0};
    (void)SYS(ppoll, &heard, 1, &limit, NULL, 8);
    SYS(kill, -child, SIGKILL);
    while (SYS(wait4, child, NULL, 0, NULL) == -EINTR);
  }
  if (!equal(variable("CNI_COMMAND"), "ADD")) stand_alone(why);
  fail(why, "what the ADD had made is taken back by the agent, or by the DEL that follows; try again");
}

/* ---- what is handed over ---- */

/* All of stdin in a memory file, or as much as shows that it is too long. */
static void read_stdin(void) {
  static char buffer[65536];
  stdin_file = memory_file();
  if (stdin_file < 0) fail("no memory file for stdin", "the kernel refuses memfd_create(2)");
  if (standard_stream_missing[0]) stdin_errno = EBADF;
  for (long size = 0; stdin_errno == 0 && size <= longest_stdin;) {
    long got = SYS(read, 0, buffer, sizeof buffer);
    if (got == 0) break;
    if (got == -EAGAIN) {
      struct pollfd readable = {0, POLLIN, 0};
      (void)SYS(ppoll, &readable, 1, NULL, NULL, 8); /* the next read says what is wrong */
      continue;
    }
    if (got == -EINTR) continue;
    long error = got < 0 ? got : write_all(stdin_file, buffer, got);
    if (error < 0) stdin_errno = -error;
    size += got;
  }
}

/* The environment as it lies in memory: strings, each with its NUL. */
static int environment_file(void) {
  int fd = memory_file();
  char **last = environment;
  while (*last != NULL) last++;
  if (fd < 0 || last == environment) return fd;
  long size = last[-1] + length(last[-1]) + 1 - environment[0];
  return write_all(fd, environment[0], size) < 0 ? -1 : fd;
}

/* Sends a packet with descriptors beside it; 0, or -errno. */
static long send_packet(const char *bytes, long size, const int *descriptors, int count) {
  struct iovec part = {(void *)bytes, (size_t)size};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * most_descriptors)];
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(&control.header), descriptors, sizeof(int) * (size_t)count);
  }
  long sent = SYS(sendmsg, connection, &message, MSG_NOSIGNAL);
  return sent < 0 ? sent : 0;
}

static void say(const char *word, long number) {
  struct text words;
  words.size = 0;
  put(&words, word);
  put_number(&words, number);
  if (send_packet(words.bytes, words.size, NULL, 0) < 0) lost("the agent has ended");
}

static void hand_over(const char *program) {
  static struct text words;
  struct sockaddr_un address = {AF_UNIX, AGENT_SOCKET};
  connection = (int)SYS(socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection < 0) stand_alone("there are no unix sockets");
  if (SYS(connect, connection, &address, sizeof address) < 0) stand_alone("nobody listens on " AGENT_SOCKET);

  const char *netns = variable("CNI_NETNS");
  long root = SYS(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  /* A socket's own namespace: the one that this process is in. /proc may not be there. */
  long own_netns = SYS(ioctl, connection, SIOCGSKNS);
  /* O_PATH opens nothing, whatever lies there; the agent looks at what it is. */
  long container_netns = *netns == 0 ? -ENOENT : SYS(openat, AT_FDCWD, netns, O_PATH | O_CLOEXEC);
  int descriptors[most_descriptors] = {environment_file(), stdin_file, (int)root, (int)own_netns, (int)container_netns};
  for (int i = 0; i < 4; i++)
    if (descriptors[i] < 0) stand_alone("what the agent needs of this process cannot be opened");

  put(&words, "macvtap " CONVERSATION " call ");
  put_number(&words, stdin_errno);
  put(&words, " ");
  put_number(&words, container_netns < 0 ? -container_netns : 0);
  put(&words, " ");
  put(&words, program);
  if (send_packet(words.bytes, words.size, descriptors, container_netns < 0 ? 4 : 5) < 0)
    stand_alone("the agent takes no call");
  for (int i = 0; i < most_descriptors; i++)
    if (i != 1 && descriptors[i] >= 0) SYS(close, descriptors[i]);
}

/* ---- what the agent may ask for ---- */

/* Writes the memory file to stdout, as fast as its reader takes it; 0, or -errno. */
static long write_answer(int file) {
  static char buffer[4096]; /* so much a pipe that poll(2) calls writable takes without waiting */
  if (standard_stream_missing[1]) return -EBADF;
  for (long at = 0;;) {
    long size = SYS(pread64, file, buffer, sizeof buffer, at);
    if (size <= 0) return size;
    struct pollfd writable = {1, POLLOUT, 0};
    struct timespec limit = {reader_patience / 1000, 0};
    long ready = SYS(ppoll, &writable, 1, &limit, NULL, 8);
    if (ready <= 0) return ready == 0 ? -EAGAIN : ready;
    long wrote = SYS(write, 1, buffer, size);
    if (wrote < 0 && wrote != -EAGAIN && wrote != -EINTR) return wrote;
    if (wrote > 0) at += wrote;
  }
}

static void deliver(int status, int file) {
  long error = file < 0 ? -EBADF : write_answer(file);
  if (error < 0) {
    say("undelivered ", -error);
    return;
  }
  /* An agent that has stopped waiting for this takes the ADD back: then it is no success. */
  if (send_packet("delivered", 9, NULL, 0) < 0) end(1);
  end(status);
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

/* Runs a plugin: `descriptors` are its path and environment in a memory file, and its three streams. */
static void run(const int *descriptors) {
  int report[2] = {-1, -1};
  long error = -EINVAL, size = child > 0 ? -EBUSY : SYS(lseek, descriptors[0], 0, SEEK_END);
  char *bytes = size <= 0 ? NULL : (char *)SYS(mmap, NULL, size, PROT_READ, MAP_PRIVATE, descriptors[0], 0);
  /* A pointer for each string, at most one for each byte; memory that is not touched is not there. */
  char **words = size <= 0 ? NULL : (char **)SYS(mmap, NULL, (size + 2) * 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (size > 0 && (long)bytes > 0 && (long)words > 0 && bytes[size - 1] == 0) {
    long count = 0;
    for (long at = 0; at < size; at += length(bytes + at) + 1) words[count++] = bytes + at;
    error = SYS(pipe2, report, O_CLOEXEC);
  }
  if (error >= 0) {
    child = error = SYS(clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) become_plugin(words, descriptors + 1, report[1]);
    if (child < 0) child = 0;
  }
  if (report[1] >= 0) SYS(close, report[1]);
  long refusal = 0;
  if (error >= 0 && SYS(read, report[0], &refusal, sizeof refusal) == (long)sizeof refusal) {
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
  if (SYS(read, signals, &heard, sizeof heard) != (long)sizeof heard) return; /* somebody else's, or none any more */
  if (heard.ssi_signo != SIGCHLD) {
    say("stop ", heard.ssi_signo);
    return;
  }
  int status = 0;
  if (child > 0 && SYS(wait4, child, &status, 1 /* WNOHANG */, NULL) == child) {
    child = 0;
    say("ended ", status);
  }
}

static void heed_agent(void) {
  static char words[65536];
  int descriptors[4] = {-1, -1, -1, -1};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof descriptors)];
  } control;
  struct iovec part = {words, sizeof words - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  long size = SYS(recvmsg, connection, &message, MSG_CMSG_CLOEXEC);
  if (size == -EAGAIN || size == -EINTR) return;
  if (size <= 0) lost("the agent has ended");
  words[size] = 0;
  if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && control.header.cmsg_type == SCM_RIGHTS)
    memcpy(descriptors, CMSG_DATA(&control.header), control.header.cmsg_len - CMSG_LEN(0));

  const char *rest;
  if ((rest = after_prefix(words, "tell ")) != NULL) tell(rest, words + size - rest);
  else if ((rest = after_prefix(words, "deliver ")) != NULL) deliver((int)number_in(rest), descriptors[0]);
  else if ((rest = after_prefix(words, "exit ")) != NULL) end((int)number_in(rest));
  else if ((rest = after_prefix(words, "refused ")) != NULL) stand_alone(rest);
  else if (equal(words, "run")) run(descriptors);
  else if (equal(words, "kill")) (void)(child > 0 && SYS(kill, -child, SIGKILL));
  else lost("the agent says what this client does not know");
  for (int i = 0; i < 4; i++)
    if (descriptors[i] >= 0) SYS(close, descriptors[i]);
}

static _Noreturn void converse(void) {
  struct timespec now, until;
  SYS(clock_gettime, 1 /* CLOCK_MONOTONIC */, &until);
  until.tv_sec += patience / 1000;
  for (;;) {
    struct pollfd sources[2] = {{connection, POLLIN, 0}, {signals, POLLIN, 0}};
    SYS(clock_gettime, 1, &now);
    struct timespec left = {until.tv_sec - now.tv_sec, 0};
    long ready = left.tv_sec > 0 ? SYS(ppoll, sources, 2, &left, NULL, 8) : 0;
    /* Closing the connection is what tells the agent to take back what it has done. */
    if (ready == 0) fail("the agent has not answered in time", "it takes back what it has done; try again");
    if (sources[1].revents != 0) heed_signal();
    if (sources[0].revents != 0) heed_agent();
  }
}

static _Noreturn void answer_person(const char *program) {
  static struct text path, about;
  (void)become_standalone(&path); /* it knows every other word: "macvtap doctor", say */
  if (arguments[0] != NULL && arguments[1] != NULL) {
    /* `macvtap install` and `macvtap doctor` know a client by this line. */
    put(&about, "CNI macvtap client version " PLUGIN_VERSION ", for the agent on " AGENT_SOCKET "\n"
                "only macvtap-standalone beside this program takes arguments, and it is not there\n");
    tell(about.bytes, about.size);
    end(2);
  }
  put(&about, "CNI ");
  put(&about, program);
  put(&about, " plugin version " PLUGIN_VERSION "\nCNI protocol versions supported: " PROTOCOLS "\n");
  tell(about.bytes, about.size);
  end(0);
}

__attribute__((used)) _Noreturn void begin(long *stack) {
  static const char version[] = VERSION_DOCUMENT "\n";
  arguments = (char **)(stack + 1);
  environment = arguments + stack[0] + 1;
  char **entry = environment;
  while (*entry != NULL) entry++;
  for (unsigned long *aux = (unsigned long *)(entry + 1); aux[0] != AT_NULL; aux += 2)
    if (aux[0] == AT_EXECFN) own_path = (const char *)aux[1];
  /* A stream that is closed must not be what the next descriptor is called. */
  for (int i = 0; i < 3; i++)
    if (SYS(fcntl, i, F_GETFD) == -EBADF) standard_stream_missing[i] = memory_file() >= 0 ? 1 : 1;

  SYS(rt_sigprocmask, SIG_BLOCK, &broken_pipe, &first_mask, 8);

  const char *command = variable("CNI_COMMAND"), *program = arguments[0] == NULL ? "" : arguments[0];
  for (const char *at = program; *at != 0; at++)
    if (*at == '/') program = at + 1;
  if (*command == 0) answer_person(program);
  if (equal(command, "VERSION")) {
    if (!standard_stream_missing[1] && write_all(1, version, sizeof version - 1) == 0) end(0);
    stand_alone("stdout takes no answer");
  }
  read_stdin();
  const uint64_t watched = 1UL << (SIGTERM - 1) | 1UL << (SIGINT - 1) | 1UL << (SIGHUP - 1) | 1UL << (SIGQUIT - 1) | 1UL << (SIGCHLD - 1);
  SYS(rt_sigprocmask, SIG_BLOCK, &watched, NULL, 8);
  signals = (int)SYS(signalfd4, -1, &watched, 8, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) stand_alone("there is no signalfd(2)");
  hand_over(program);
  converse();
}
