// Tripwire: while one is armed, this thread may not ask the operating system for time, randomness,
// threads or sockets: whatever did would make a run differ from its seed.
#pragma once

#include <cstdint>
#include <functional>

namespace kelpie::sim {

// Armed from construction to destruction, for this thread only; others are not concerned. A call of
// clock_gettime, time, gettimeofday, nanosleep, getrandom, getentropy, pthread_create or socket
// then prints its name with a backtrace and aborts. Under a sanitizer, which has wires of its own
// on these calls, nothing is armed.
class Tripwire {
 public:
  Tripwire();
  Tripwire(const Tripwire&) = delete;
  Tripwire& operator=(const Tripwire&) = delete;
  ~Tripwire();

  // Whether this build has the wires.
  static bool present();
};

// While one exists, a call of `time` on this thread gets this answer instead of an abort: for a
// library below the code under test that stamps what never leaves it. At most one at a time. Under
// a sanitizer the system answers.
class AnsweredTime {
 public:
  explicit AnsweredTime(std::function<int64_t()> seconds);
  AnsweredTime(const AnsweredTime&) = delete;
  AnsweredTime& operator=(const AnsweredTime&) = delete;
  ~AnsweredTime();

 private:
  std::function<int64_t()> seconds_;
};

}  // namespace kelpie::sim
