/*
 * What stands for a C library, on x86-64 and arm64: system calls, which answer as the kernel does, -errno where they fail,
 * and texts. A program begins in `begin(stack)`, where the kernel has put its arguments, environment and auxiliary vector.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <linux/memfd.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

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
#define SYS(name, ...) SYS_(name, ##__VA_ARGS__, 0, 0, 0, 0, 0, 0) /* SYS(close, fd) */

#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp,%ebp; mov %rsp,%rdi; and $-16,%rsp; call begin");
#else
__asm__(".globl _start\n_start: mov x29,#0; mov x30,#0; mov x0,sp; bl begin");
#endif

/* The compiler may ask for these two. */
void *memset(void *to, int byte, size_t size) {
  for (char *at = to; size > 0; size--) *at++ = (char)byte;
  return to;
}
void *memcpy(void *to, const void *from, size_t size) {
  for (size_t i = 0; i < size; i++) ((char *)to)[i] = ((const char *)from)[i];
  return to;
}

static int memory_file(void) {
  long fd = SYS(memfd_create, "macvtap", MFD_CLOEXEC | 8U /* MFD_NOEXEC_SEAL, of Linux 6.3 */);
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

/* Waits, at most so many seconds, or without end where they are negative; as ppoll(2). */
static long wait_for(struct pollfd *sources, int count, long seconds) {
  struct timespec limit = {seconds, 0};
  return SYS(ppoll, sources, count, seconds < 0 ? NULL : &limit, NULL, 8);
}

/* ---- texts ---- */

struct text {
  long size;
  char bytes[16384]; /* with a NUL behind them; more is left out, and nobody's words are as long */
};

static long length(const char *s) {
  long n = 0;
  while (s[n] != 0) n++;
  return n;
}
static const char *after_prefix(const char *s, const char *prefix) {
  while (*prefix != 0)
    if (*s++ != *prefix++) return NULL;
  return s;
}
static int equal(const char *a, const char *b) {
  const char *rest = after_prefix(a, b);
  return rest != NULL && *rest == 0;
}
static void put(struct text *text, const char *const *strings) {
  for (; *strings != NULL; strings++)
    for (const char *s = *strings; *s != 0 && text->size < (long)sizeof text->bytes - 1; s++)
      text->bytes[text->size++] = *s;
  text->bytes[text->size] = 0;
}
#define PUT(text, ...) put(text, (const char *const[]){__VA_ARGS__, NULL}) /* strings, one behind the other */

/* Good until the fourth one after it. */
static const char *decimal(long number) {
  static char buffers[4][24];
  static unsigned int next;
  char *at = buffers[next++ % 4] + sizeof *buffers - 1;
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  return at;
}

/* What would end a JSON string, or is no plain character, becomes a question mark; in place. */
static const char *plain(struct text *text) {
  for (char *s = text->bytes; *s != 0; s++)
    if (*s == '"' || *s == '\\' || (unsigned char)*s < 0x20) *s = '?';
  return text->bytes;
}
static int number_in(const char *s) {
  int number = 0;
  for (; *s >= '0' && *s <= '9'; s++) number = number * 10 + *s - '0';
  return number;
}
