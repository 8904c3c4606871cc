// Typed actors over the runtime: state, errors, reads, calls, ends.
#include "async/sleep.h"
#include "embed/typed_world_test.h"

namespace kelpie::embed {
namespace {

struct CounterState {
  int64_t value = 0;
  std::string note;
};
KELPIE_FIELDS(CounterState, value, note)

class Counter : public Actor<CounterState> {
 public:
  static constexpr std::string_view kType = "counter";

  Task<int64_t> add(Context& ctx, int64_t amount) {
    state(ctx).value += amount;
    co_return peek(ctx).value;
  }
  Task<void> add_and_fail(Context& ctx, int64_t amount) {
    state(ctx).value += amount;
    co_return failed_precondition("as it was told");
  }
  Task<void> touch(Context& ctx) {
    // Asked for, and left as it was.
    static_cast<void>(state(ctx));
    co_return kOk;
  }
  Task<int64_t> look(Context& ctx) { co_return peek(ctx).value; }
  Task<void> note(Context& ctx, std::string text) {
    state(ctx).note = std::move(text);
    co_return kOk;
  }
  Task<void> end(Context& ctx) {
    state(ctx).value = 77;
    ctx.destroy();
    co_return kOk;
  }
  Task<Bytes> raw(Context& ctx, Bytes bytes) { co_return bytes + ctx.self().id; }
  Task<uint8_t> small(Context&, uint8_t number) { co_return number; }
  // Through another actor and back, into this very turn.
  Task<int64_t> add_by_way_of(Context& ctx, std::string other, int64_t amount) {
    state(ctx).value += 1;
    co_await ctx.actor<Counter>(std::move(other)).call<&Counter::add_to>(ctx.self().id, amount);
    co_return peek(ctx).value;
  }
  Task<void> add_to(Context& ctx, std::string other, int64_t amount) {
    co_await ctx.actor<Counter>(std::move(other)).call<&Counter::add_inside>(amount);
    co_return kOk;
  }
  Task<int64_t> add_inside(Context& ctx, int64_t amount) { return add(ctx, amount); }
  // Back without a declaration.
  Task<void> wait_for_myself(Context& ctx) {
    co_await ctx.actor<Counter>(ctx.self().id).call<&Counter::add>(1);
    co_return kOk;
  }
  Task<bool> in_time(Context& ctx) {
    co_return ctx.time_left() <= Duration::seconds(5) && ctx.turn_number() > 0 &&
        !ctx.generation().empty() && ctx.now() > WallTime();
  }
  Result<int64_t> get(const CounterState& state) const { return state.value; }
  Result<int64_t> get_above(const CounterState& state, int64_t least) const {
    if (state.value < least) {
      return out_of_range("it is only " + std::to_string(state.value));
    }
    return state.value;
  }

  static void methods(Methods<Counter>& m) {
    m.turn<&Counter::add>("add");
    m.turn<&Counter::add_and_fail>("add_and_fail");
    m.turn<&Counter::touch>("touch");
    m.turn<&Counter::look>("look");
    m.turn<&Counter::note>("note");
    m.turn<&Counter::end>("end");
    m.raw<&Counter::raw>("raw");
    m.turn<&Counter::small>("small");
    m.turn<&Counter::add_by_way_of>("add_by_way_of");
    m.turn<&Counter::add_to>("add_to");
    m.reentrant<&Counter::add_inside>("add_inside");
    m.turn<&Counter::wait_for_myself>("wait_for_myself");
    m.turn<&Counter::in_time>("in_time");
    m.read_only<&Counter::get>("get");
    m.read_only<&Counter::get_above>("get_above");
  }

 protected:
  void on_deactivate() override { ++ends; }

 public:
  inline static int ends = 0;
};

class TypedActor : public TypedWorld {
 protected:
  TypedActor() {
    start<Counter>();
    Counter::ends = 0;
  }
  Handle<Counter> counter(std::string id = "a") { return node_->actor<Counter>(std::move(id)); }
  Result<int64_t> add(int64_t amount) { return run(counter().call<&Counter::add>(amount)); }
  Result<int64_t> get() { return run(counter().call<&Counter::get>()); }
  Result<Bytes> raw_call(std::string method, Bytes arguments) {
    return run(node_->call_raw(counter().ref(), std::move(method), std::move(arguments), {}));
  }
};

TEST_F(TypedActor, StateOutlivesTheActivationAndTheProgram) {
  EXPECT_EQ(get().value(), 0);
  EXPECT_EQ(add(2).value(), 2);
  EXPECT_EQ(add(3).value(), 5);
  ASSERT_TRUE(run(node_->runtime().deactivate(counter().ref())).value());
  pass(Duration::seconds(1));
  EXPECT_EQ(get().value(), 5);
  ASSERT_TRUE(run(node_->stop()).ok());
  start<Counter>();
  EXPECT_EQ(get().value(), 5);
  EXPECT_EQ(stored_state(counter().ref()), R"({"schema":1,"state":{"value":5,"note":""}})");
}

TEST_F(TypedActor, ActorsOfOneTypeAreApart) {
  ASSERT_TRUE(add(2).ok());
  EXPECT_EQ(run(counter("b").call<&Counter::get>()).value(), 0);
  EXPECT_EQ(run(node_->actor<Counter>("other", "a").call<&Counter::get>()).value(), 0);
}

TEST_F(TypedActor, AMethodThatFailsHasChangedNothing) {
  ASSERT_TRUE(add(2).ok());
  const Result<void> failed = run(counter().call<&Counter::add_and_fail>(5));
  EXPECT_EQ(failed.error(), failed_precondition("as it was told"));
  EXPECT_EQ(get().value(), 2);
  EXPECT_EQ(add(1).value(), 3);
}

TEST_F(TypedActor, AConflictRunsTheTurnAgainOnTheCommittedState) {
  ASSERT_TRUE(add(2).ok());
  database_.conflicts = 2;
  EXPECT_EQ(add(1).value(), 3);
  EXPECT_EQ(get().value(), 3);
}

TEST_F(TypedActor, ATurnThatChangedNothingCommitsNothing) {
  ASSERT_TRUE(add(2).ok());
  const int before = database_.commits;
  ASSERT_TRUE(run(counter().call<&Counter::touch>()).ok());
  EXPECT_EQ(run(counter().call<&Counter::look>()).value(), 2);
  EXPECT_EQ(get().value(), 2);
  EXPECT_EQ(database_.commits, before);
  ASSERT_TRUE(add(1).ok());
  EXPECT_EQ(database_.commits, before + 1);
}

TEST_F(TypedActor, ACallWithAKeyHappensOnceAndIsAnsweredTheSame) {
  const Handle<Counter> once = counter().with({.idempotency_key = "k"});
  EXPECT_EQ(run(once.call<&Counter::add>(2)).value(), 2);
  EXPECT_EQ(run(once.call<&Counter::add>(2)).value(), 2);
  EXPECT_EQ(get().value(), 2);
  EXPECT_EQ(run(once.call<&Counter::add>(3)).error().code, Code::kInvalidArgument);
  // Also where it changed nothing.
  const Handle<Counter> other = counter().with({.idempotency_key = "l"});
  EXPECT_EQ(run(other.call<&Counter::get>()).value(), 2);
  ASSERT_TRUE(add(1).ok());
  EXPECT_EQ(run(other.call<&Counter::get>()).value(), 2);
}

TEST_F(TypedActor, WrongArgumentsAreRefusedAndSayWhatWasExpected) {
  EXPECT_EQ(raw_call("add", R"(["two"])").error(),
            invalid_argument("argument 1: expected an integer, got a string"));
  EXPECT_EQ(raw_call("add", "[]").error(), invalid_argument("expected 1 arguments, got 0"));
  EXPECT_EQ(raw_call("add", "{").error().code, Code::kInvalidArgument);
  EXPECT_EQ(raw_call("small", "[256]").error(),
            invalid_argument("argument 1: expected an integer from 0 to 255, got the number 256"));
  EXPECT_EQ(raw_call("get_above", "[true]").error(),
            invalid_argument("argument 1: expected an integer, got true"));
  EXPECT_EQ(raw_call("nothing", "[]").error().code, Code::kNotFound);
  EXPECT_EQ(run(counter().call<&Counter::note>("\xff")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(run(counter().with({.deadline = Duration()}).call<&Counter::get>()).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(get().value(), 0);
}

TEST_F(TypedActor, RawCallsCarryBytes) {
  const Bytes bytes("\x00\xff", 2);
  EXPECT_EQ(raw_call("raw", bytes).value(), bytes + "a");
  EXPECT_EQ(raw_call("add", "[9223372036854775807]").value(), "9223372036854775807");
  EXPECT_EQ(raw_call("note", R"(["x"])").value(), "null");
}

TEST_F(TypedActor, ReadsAnswerFromWhatIsCommittedWithErrorsOfTheirOwn) {
  EXPECT_EQ(run(counter().call<&Counter::get_above>(3)).error(), out_of_range("it is only 0"));
  ASSERT_TRUE(add(4).ok());
  EXPECT_EQ(run(counter().call<&Counter::get_above>(3)).value(), 4);
}

TEST_F(TypedActor, ADestroyedActorBeginsAnew) {
  ASSERT_TRUE(add(4).ok());
  ASSERT_TRUE(run(counter().call<&Counter::end>()).ok());
  EXPECT_EQ(stored_state(counter().ref()), std::nullopt);
  EXPECT_EQ(get().value(), 0);
  EXPECT_EQ(add(1).value(), 1);
}

TEST_F(TypedActor, ACallThatComesBackIsPartOfTheTurnThatWaitsForIt) {
  ASSERT_TRUE(add(10).ok());
  EXPECT_EQ(run(counter().call<&Counter::add_by_way_of>("b", 100)).value(), 111);
  EXPECT_EQ(get().value(), 111);
}

TEST_F(TypedActor, ACallThatWouldWaitForItselfIsRefused) {
  EXPECT_EQ(run(counter().call<&Counter::wait_for_myself>()).error().code,
            Code::kFailedPrecondition);
}

TEST_F(TypedActor, ATurnKnowsItsCircumstances) {
  EXPECT_TRUE(
      run(counter().with({.deadline = Duration::seconds(5)}).call<&Counter::in_time>()).value());
}

TEST_F(TypedActor, AStateThatIsTooLargeIsRefusedAndChangesNothing) {
  ASSERT_TRUE(add(1).ok());
  EXPECT_EQ(raw_call("note", R"([")" + std::string(999'990, 'y') + R"("])").error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(get().value(), 1);
  EXPECT_EQ(add(1).value(), 2);
}

TEST_F(TypedActor, AnIdleActorIsToldBeforeItGoes) {
  ASSERT_TRUE(add(1).ok());
  pass(base::kActorIdleTimeout * 2);
  EXPECT_EQ(Counter::ends, 1);
  EXPECT_EQ(add(1).value(), 2);
}

TEST_F(TypedActor, ASessionCallsLikeANode) {
  Session session(*node_);
  EXPECT_EQ(run(session.actor<Counter>("a").call<&Counter::add>(2)).value(), 2);
  EXPECT_EQ(run(session.actor<Counter>("default", "a").call<&Counter::get>()).value(), 2);
  EXPECT_EQ(
      run(session.actor<Counter>("a").with({.idempotency_key = "mine"}).call<&Counter::add>(2))
          .error()
          .code,
      Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::embed
