#include "sim/tripwire.h"

#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KELPIE_NO_TRIPWIRE 1
#endif
#endif

#ifdef KELPIE_NO_TRIPWIRE

namespace kelpie::sim {
Tripwire::Tripwire() = default;
Tripwire::~Tripwire() = default;
bool Tripwire::present() { return false; }
AnsweredTime::AnsweredTime(std::function<int64_t()> seconds) : seconds_(std::move(seconds)) {}
AnsweredTime::~AnsweredTime() = default;
}  // namespace kelpie::sim

#else

#include <dlfcn.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <atomic>

#include "base/check.h"

namespace kelpie::sim {
namespace {

// The wires are entered by every thread of the process, the server's included, so the switch is
// this thread's own.
constinit thread_local int armed_depth = 0;
constinit thread_local const std::function<int64_t()>* answered_time = nullptr;

void trip(const char* name) {
  if (armed_depth > 0) {
    armed_depth = 0;
    base::check_failed("the simulation", 0, name);
  }
}

// The next definition of a name behind ours, looked up once.
template <class Function>
Function* next(std::atomic<Function*>& known, const char* name) {
  Function* function = known.load(std::memory_order_relaxed);
  if (function == nullptr) {
    function = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
    known.store(function, std::memory_order_relaxed);
  }
  return function;
}

}  // namespace

Tripwire::Tripwire() { ++armed_depth; }
Tripwire::~Tripwire() { --armed_depth; }
bool Tripwire::present() { return true; }

AnsweredTime::AnsweredTime(std::function<int64_t()> seconds) : seconds_(std::move(seconds)) {
  CHECK(answered_time == nullptr);
  answered_time = &seconds_;
}
AnsweredTime::~AnsweredTime() { answered_time = nullptr; }

}  // namespace kelpie::sim

using kelpie::sim::answered_time;
using kelpie::sim::next;
using kelpie::sim::trip;

extern "C" {

int clock_gettime(clockid_t clock, struct timespec* out) noexcept {
  trip("clock_gettime was called");
  static constinit std::atomic<int (*)(clockid_t, struct timespec*)> known = nullptr;
  return next<int(clockid_t, struct timespec*)>(known, "clock_gettime")(clock, out);
}

int gettimeofday(struct timeval* out, void* zone) noexcept {
  trip("gettimeofday was called");
  static constinit std::atomic<int (*)(struct timeval*, void*)> known = nullptr;
  return next<int(struct timeval*, void*)>(known, "gettimeofday")(out, zone);
}

time_t time(time_t* out) noexcept {
  if (answered_time != nullptr) {
    const time_t seconds = (*answered_time)();
    if (out != nullptr) {
      *out = seconds;
    }
    return seconds;
  }
  trip("time was called");
  static constinit std::atomic<time_t (*)(time_t*)> known = nullptr;
  return next<time_t(time_t*)>(known, "time")(out);
}

int nanosleep(const struct timespec* length, struct timespec* rest) {
  trip("nanosleep was called");
  static constinit std::atomic<int (*)(const struct timespec*, struct timespec*)> known = nullptr;
  return next<int(const struct timespec*, struct timespec*)>(known, "nanosleep")(length, rest);
}

ssize_t getrandom(void* out, size_t size, unsigned flags) {
  trip("getrandom was called");
  static constinit std::atomic<ssize_t (*)(void*, size_t, unsigned)> known = nullptr;
  return next<ssize_t(void*, size_t, unsigned)>(known, "getrandom")(out, size, flags);
}

int getentropy(void* out, size_t size) {
  trip("getentropy was called");
  static constinit std::atomic<int (*)(void*, size_t)> known = nullptr;
  return next<int(void*, size_t)>(known, "getentropy")(out, size);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*),
                   void* argument) noexcept {
  trip("pthread_create was called");
  using Body = void*(void*);
  static constinit std::atomic<int (*)(pthread_t*, const pthread_attr_t*, Body*, void*)> known =
      nullptr;
  return next<int(pthread_t*, const pthread_attr_t*, Body*, void*)>(known, "pthread_create")(
      thread, attributes, body, argument);
}

int socket(int domain, int type, int protocol) noexcept {
  trip("socket was called");
  static constinit std::atomic<int (*)(int, int, int)> known = nullptr;
  return next<int(int, int, int)>(known, "socket")(domain, type, protocol);
}

}  // extern "C"

#endif  // KELPIE_NO_TRIPWIRE
