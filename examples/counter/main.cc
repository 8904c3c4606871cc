// A counter that survives its process: run it again and it goes on where it was.
//
//   example_counter DIRECTORY
#include <kelpie/kelpie.h>

#include <cstdio>

// What the actor keeps. KELPIE_FIELDS names the members under which they are stored.
struct CounterState {
  int64_t value = 0;
};
KELPIE_FIELDS(CounterState, value)

class Counter : public kelpie::Actor<CounterState> {
 public:
  static constexpr std::string_view kType = "counter";

  // A turn: no other turn of this counter runs beside it, and what it changes is on the disk before
  // its caller hears the answer.
  kelpie::Task<int64_t> add(kelpie::Context& ctx, int64_t amount) {
    if (amount < 0) {
      // An error leaves the state as it was.
      co_return kelpie::invalid_argument("a counter only grows");
    }
    state(ctx).value += amount;
    co_return state(ctx).value;
  }

  // A read: answered from memory, and never older than an answer that somebody has had.
  kelpie::Result<int64_t> get(const CounterState& state) const { return state.value; }

  static void methods(kelpie::Methods<Counter>& m) {
    m.turn<&Counter::add>("add");
    m.read_only<&Counter::get>("get");
  }
};

kelpie::Task<void> app(kelpie::Node& node) {
  // Naming an actor makes it: there is nothing to create, and nothing to look up.
  auto hits = node.actor<Counter>("hits");
  std::printf("before: %lld\n", static_cast<long long>(co_await hits.call<&Counter::get>()));

  for (int i = 0; i < 3; ++i) {
    const int64_t value = co_await hits.call<&Counter::add>(2);
    std::printf("hits: %lld\n", static_cast<long long>(value));
  }

  // `co_await call` ends this function with the call's error; `.result()` looks at it instead.
  auto refused = co_await hits.call<&Counter::add>(-1).result();
  std::printf("refused: %s\n", refused.error().to_string().c_str());
  co_return kelpie::kOk;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  return kelpie::run<Counter>({.data_dir = argv[1]}, app);
}
