// What is read of stored states: older and newer ones, damaged ones, none.
#include "async/sleep.h"
#include "embed/typed_world_test.h"

namespace kelpie::embed {
namespace {

// As of schema 1: {"euros":12}. Since 2 in cents, since 3 with an owner.
struct PurseState {
  static constexpr int kSchema = 3;
  int64_t cents = 0;
  std::string owner = "nobody";
  static Result<PurseState> migrate(int from, const Json& old);
};
KELPIE_FIELDS(PurseState, cents, owner)

Result<PurseState> PurseState::migrate(int from, const Json& old) {
  if (from == 2) {
    // A new member has its default.
    return from_json<PurseState>(old);
  }
  const Json* euros = old.find("euros");
  if (euros == nullptr) {
    return invalid_argument("expected euros");
  }
  return PurseState{.cents = TRY(from_json<int64_t>(*euros)) * 100};
}

class Purse : public Actor<PurseState> {
 public:
  static constexpr std::string_view kType = "purse";
  Task<int64_t> put(Context& ctx, int64_t cents) {
    state(ctx).cents += cents;
    co_return peek(ctx).cents;
  }
  Result<int64_t> cents(const PurseState& state) const { return state.cents; }
  static void methods(Methods<Purse>& m) {
    m.turn<&Purse::put>("put");
    m.read_only<&Purse::cents>("cents");
  }
};

// Keeps nothing but what it finds when it becomes active.
class Greeter : public Actor<NoState> {
 public:
  static constexpr std::string_view kType = "greeter";
  Task<std::string> greet(Context&) { co_return greeting_; }
  Task<void> set_greeting(Context& ctx, std::string greeting) {
    co_return co_await ctx.kv().set("greeting", std::move(greeting)).result();
  }
  Result<std::string> read(const NoState&) const { return greeting_; }
  static void methods(Methods<Greeter>& m) {
    m.turn<&Greeter::greet>("greet");
    m.turn<&Greeter::set_greeting>("set_greeting");
    m.read_only<&Greeter::read>("read");
  }

 protected:
  Task<void> on_activate(ActivationContext& context, const NoState&) override {
    if (context.self().id == "shy") {
      co_return unavailable("too shy");
    }
    greeting_ = (co_await context.kv().get("greeting")).value_or("hello");
    co_return kOk;
  }

 private:
  std::string greeting_;
};

class States : public TypedWorld {
 protected:
  States() { start<Purse, Greeter>(); }
  const ActorRef ref_{"purse", "default", "p"};
  Handle<Purse> purse() { return node_->actor<Purse>("p"); }
  Result<int64_t> cents() { return run(purse().call<&Purse::cents>()); }
};

TEST_F(States, AnActorThatNeverCommittedHasTheDefault) {
  EXPECT_EQ(cents().value(), 0);
  EXPECT_EQ(stored_state(ref_), std::nullopt);
}

TEST_F(States, AnOlderSchemaIsMigratedAndWrittenWithTheNextChange) {
  put_state(ref_, R"({"schema":1,"state":{"euros":12}})");
  EXPECT_EQ(cents().value(), 1'200);
  EXPECT_EQ(stored_state(ref_), R"({"schema":1,"state":{"euros":12}})");
  EXPECT_EQ(run(purse().call<&Purse::put>(5)).value(), 1'205);
  EXPECT_EQ(stored_state(ref_), R"({"schema":3,"state":{"cents":1205,"owner":"nobody"}})");
}

TEST_F(States, EachOlderSchemaIsToldFromTheOthers) {
  put_state(ref_, R"({"schema":2,"state":{"cents":7}})");
  EXPECT_EQ(cents().value(), 7);
}

TEST_F(States, ANewerSchemaFailsEveryCallAndStaysAsItIs) {
  const std::string newer = R"({"schema":4,"state":{"cents":7}})";
  put_state(ref_, newer);
  EXPECT_EQ(cents().error(),
            failed_precondition("purse/default/p: the stored state has schema 4, and this program "
                                "knows up to 3: run a newer one"));
  EXPECT_EQ(run(purse().call<&Purse::put>(5)).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(stored_state(ref_), newer);
}

TEST_F(States, ADamagedStateFailsEveryCallAndNeverBecomesAnEmptyOne) {
  for (const char* text :
       {"", "{", "7", R"({"state":{}})", R"({"schema":0,"state":{}})", R"({"schema":3})",
        R"({"schema":"3","state":{}})", R"({"schema":3,"state":[]})",
        R"({"schema":3,"state":{"cents":"many"}})", R"({"schema":1,"state":{"cents":5}})"}) {
    put_state(ref_, text);
    EXPECT_EQ(run(purse().call<&Purse::put>(5)).error().code, Code::kDataLoss) << text;
    EXPECT_EQ(cents().error().code, Code::kDataLoss) << text;
    EXPECT_EQ(stored_state(ref_), text);
  }
  put_state(ref_, R"({"schema":3,"state":{"cents":5}})");
  EXPECT_EQ(cents().value(), 5);
}

TEST_F(States, AnActorWithoutStateReadsItsKeysWhenItBecomesActive) {
  auto greeter = node_->actor<Greeter>("g");
  EXPECT_EQ(run(greeter.call<&Greeter::greet>()).value(), "hello");
  EXPECT_EQ(run(greeter.call<&Greeter::read>()).value(), "hello");
  EXPECT_EQ(node_->runtime().active(), 1U);
  ASSERT_TRUE(run(greeter.call<&Greeter::set_greeting>("good day")).ok());
  // Its members are a cache, which the next activation fills.
  EXPECT_EQ(run(greeter.call<&Greeter::greet>()).value(), "hello");
  ASSERT_TRUE(run(node_->runtime().deactivate(greeter.ref())).value());
  pass(Duration::millis(1));
  EXPECT_EQ(run(greeter.call<&Greeter::greet>()).value(), "good day");
}

TEST_F(States, AnActivationThatFailsFailsItsCalls) {
  auto shy = node_->actor<Greeter>("shy");
  EXPECT_EQ(run(shy.call<&Greeter::greet>()).error(), unavailable("too shy"));
  EXPECT_EQ(run(shy.call<&Greeter::read>()).error(), unavailable("too shy"));
}

}  // namespace
}  // namespace kelpie::embed
