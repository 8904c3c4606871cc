#include "sim/check/linearizable.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "world/rng.h"

namespace kelpie::sim {
namespace {

using Ops = std::vector<ObjectOp>;

ObjectOp op(ObjectOpKind kind, int64_t called, int64_t returned) {
  ObjectOp made;
  made.client = fmt::format("c{}", called);
  made.object = "x";
  made.kind = kind;
  made.called_ns = called;
  made.returned_ns = returned;
  made.fate = Fate::kOk;
  return made;
}
ObjectOp read(int64_t called, int64_t returned, std::optional<Bytes> seen) {
  ObjectOp made = op(ObjectOpKind::kRead, called, returned);
  made.seen = std::move(seen);
  return made;
}
ObjectOp write(int64_t called, int64_t returned, Bytes value) {
  ObjectOp made = op(ObjectOpKind::kWrite, called, returned);
  made.argument = std::move(value);
  return made;
}
ObjectOp swap(int64_t called, int64_t returned, std::optional<Bytes> from, Bytes to,
              Swap swap = Swap::kDone) {
  ObjectOp made = op(ObjectOpKind::kCompareAndSet, called, returned);
  made.expected = std::move(from);
  made.argument = std::move(to);
  made.swap = swap;
  return made;
}
ObjectOp add(int64_t called, int64_t returned, Bytes amount,
             std::optional<Bytes> sum = std::nullopt) {
  ObjectOp made = op(ObjectOpKind::kAdd, called, returned);
  made.argument = std::move(amount);
  made.seen = std::move(sum);
  return made;
}
ObjectOp append(int64_t called, int64_t returned, Bytes element,
                std::optional<Bytes> list = std::nullopt) {
  ObjectOp made = op(ObjectOpKind::kAppend, called, returned);
  made.argument = std::move(element);
  made.seen = std::move(list);
  return made;
}
ObjectOp unknown(ObjectOp made) {
  made.fate = Fate::kUnknown;
  made.returned_ns = kNever;
  return made;
}
ObjectOp failed(ObjectOp made) {
  made.fate = Fate::kFailed;
  return made;
}
ObjectOp of(std::string object, ObjectOp made) {
  made.object = std::move(object);
  return made;
}

CheckResult check_register(const Ops& history) {
  return check_linearizable(history, RegisterObject());
}
CheckResult check_counter(const Ops& history) {
  return check_linearizable(history, CounterObject());
}
CheckResult check_list(const Ops& history) {
  return check_linearizable(history, AppendListObject());
}
void expect_holds(const CheckResult& result) {
  EXPECT_EQ(result.verdict, HistoryVerdict::kHolds) << result.to_string();
}
void expect_violation(const CheckResult& result) {
  EXPECT_EQ(result.verdict, HistoryVerdict::kViolation) << result.to_string();
  EXPECT_FALSE(result.explanation.empty());
}

TEST(Linearizable, AcceptsWhatOneClientDoesAlone) {
  expect_holds(check_register({}));
  expect_holds(
      check_register({read(0, 1, {}), write(2, 3, "a"), read(4, 5, "a"), swap(6, 7, "a", "b"),
                      read(8, 9, "b"), swap(10, 11, "a", "c", Swap::kRefused), read(12, 13, "b")}));
  expect_holds(
      check_counter({read(0, 1, {}), add(2, 3, "5"), add(4, 5, "-2", "3"), read(6, 7, "3")}));
  expect_holds(check_list(
      {read(0, 1, {}), append(2, 3, "a"), append(4, 5, "b", "a,b,"), read(6, 7, "a,b,")}));
}

TEST(Linearizable, AcceptsEitherOrderOfWhatOverlaps) {
  expect_holds(check_register({write(0, 9, "a"), write(1, 8, "b"), read(10, 11, "a")}));
  expect_holds(check_register({write(0, 9, "a"), write(1, 8, "b"), read(10, 11, "b")}));
  expect_holds(check_list({append(0, 9, "a"), append(1, 8, "b"), read(10, 11, "b,a,")}));
}

TEST(Linearizable, AcceptsAReadThatSeesAWriteInFlightOrDoesNot) {
  expect_holds(check_register({write(0, 9, "a"), read(1, 2, "a"), read(3, 4, "a")}));
  expect_holds(check_register({write(0, 9, "a"), read(1, 2, {}), read(3, 4, "a")}));
}

TEST(Linearizable, TakesTheSameMomentForOverlap) {
  expect_holds(check_register({write(0, 5, "a"), read(5, 6, {})}));
}

TEST(Linearizable, AcceptsAnUndecidedEffectLateOrNever) {
  const ObjectOp undecided = unknown(write(0, 0, "late"));
  expect_holds(check_register({undecided, write(1, 2, "a"), read(3, 4, "a"), read(5, 6, "late")}));
  expect_holds(check_register({undecided, write(1, 2, "a"), read(3, 4, "a"), read(5, 6, "a")}));
  expect_holds(check_counter({unknown(add(0, 0, "1")), read(1, 2, "0"), read(3, 4, "1")}));
  expect_holds(check_list({unknown(append(0, 0, "u")), append(1, 2, "a"), read(3, 4, "a,u,")}));
}

TEST(Linearizable, AcceptsAnUndecidedSwapThatDidNotFit) {
  expect_holds(check_register({unknown(swap(0, 0, "zz", "b")), write(1, 2, "a"), read(3, 4, "a")}));
}

TEST(Linearizable, JudgesEachObjectByItself) {
  expect_holds(check_register(
      {of("x", write(0, 1, "a")), of("y", read(2, 3, {})), of("x", read(4, 5, "a"))}));
  expect_violation(check_register({of("x", write(0, 1, "a")), of("y", read(2, 3, "a"))}));
}

TEST(Linearizable, AcceptsAnAnswerThatAFailedOperationDidNothing) {
  expect_holds(check_register({write(0, 1, "a"), failed(write(2, 3, "b")), read(4, 5, "a")}));
}

TEST(Linearizable, FindsAStaleRead) {
  expect_violation(check_register({write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a")}));
  expect_violation(check_list({append(0, 1, "a"), append(2, 3, "b"), read(4, 5, "a,")}));
}

TEST(Linearizable, FindsALostAcknowledgedWrite) {
  expect_violation(check_register({write(0, 1, "a"), read(2, 3, {})}));
  expect_violation(check_counter({add(0, 1, "1"), add(2, 3, "1"), read(4, 5, "1")}));
  expect_violation(check_list({append(0, 1, "a"), append(2, 3, "b"), read(4, 5, "b,")}));
}

TEST(Linearizable, FindsReadsThatGoBackwards) {
  expect_violation(check_register({write(0, 9, "a"), read(1, 2, "a"), read(3, 4, {})}));
  expect_violation(check_register({unknown(write(0, 0, "a")), read(1, 2, "a"), read(3, 4, {})}));
}

TEST(Linearizable, FindsALostUpdate) {
  expect_violation(check_counter({add(0, 9, "1", "1"), add(1, 8, "1", "1")}));
  expect_violation(check_register({write(0, 1, "a"), swap(2, 9, "a", "b"), swap(3, 8, "a", "c")}));
}

TEST(Linearizable, FindsADuplicatedEffect) {
  expect_violation(check_counter({add(0, 1, "5"), read(2, 3, "10")}));
  expect_violation(check_list({append(0, 1, "a"), read(2, 3, "a,a,")}));
  expect_violation(check_counter({unknown(add(0, 0, "5")), read(2, 3, "10")}));
}

TEST(Linearizable, FindsAValueThatNobodyWroteAndOneFromTheFuture) {
  expect_violation(check_register({write(0, 1, "a"), read(2, 3, "ghost")}));
  expect_violation(check_register({read(0, 1, "a"), write(2, 3, "a")}));
  expect_violation(check_register({read(0, 1, "a"), unknown(write(2, 0, "a"))}));
}

TEST(Linearizable, FindsASenselessAnswer) {
  expect_violation(check_counter({read(0, 1, "12x")}));
  expect_violation(check_list({append(0, 1, "a"), read(2, 3, "a")}));
}

TEST(Linearizable, FindsTheEffectOfAFailedOperation) {
  expect_violation(check_register({write(0, 1, "a"), failed(write(2, 3, "b")), read(4, 5, "b")}));
}

TEST(Linearizable, FindsASwapThatIgnoredWhatItSaw) {
  expect_violation(check_register({write(0, 1, "a"), swap(2, 3, "b", "c")}));
  expect_violation(check_register({write(0, 1, "a"), swap(2, 3, "a", "c", Swap::kRefused)}));
}

TEST(Linearizable, FindsReadersThatDisagreeAboutTheOrder) {
  expect_violation(check_register(
      {write(0, 20, "a"), write(0, 20, "b"), read(1, 2, "a"), read(3, 4, "b"), read(5, 6, "a")}));
  expect_violation(
      check_list({append(0, 20, "a"), append(0, 20, "b"), read(1, 5, "a,b,"), read(1, 5, "b,a,")}));
}

TEST(Linearizable, FindsAListThatLostItsMiddle) {
  expect_violation(
      check_list({append(0, 1, "a"), append(2, 3, "b"), append(4, 5, "c"), read(6, 7, "a,c,")}));
}

TEST(Linearizable, FindsAWriteUndoneByAnEffectFromBeforeIt) {
  // The undecided swap may land late, but only where it fits.
  expect_violation(check_register({write(0, 1, "a"), unknown(swap(2, 0, "a", "b")),
                                   write(3, 4, "c"), read(5, 6, "c"), read(7, 8, "b")}));
}

TEST(Linearizable, ExplainsTheLongestPrefixAndTheAnswerThatCannotBe) {
  const CheckResult result = check_register(
      {write(0, 1, "a"), read(2, 3, "a"), write(4, 5, "b"), read(6, 7, "a"), read(8, 9, "zz")});
  expect_violation(result);
  EXPECT_EQ(result.anomaly, "not linearizable");
  EXPECT_EQ(result.explanation,
            "x: no order explains the answer of\n"
            "  c6 read x = \"a\" called 0.000000006 returned 0.000000007 ok\n"
            "what had returned before it has this order, with \"b\" at its end:\n"
            "  c0 write x \"a\" called 0.000000000 returned 0.000000001 ok\n"
            "  c2 read x = \"a\" called 0.000000002 returned 0.000000003 ok\n"
            "  c4 write x \"b\" called 0.000000004 returned 0.000000005 ok");
}

TEST(Linearizable, NamesWhatWasInFlightAtTheViolation) {
  const CheckResult result =
      check_register({write(0, 1, "a"), write(2, 90, "b"), read(3, 4, "c"), read(91, 92, "b")});
  expect_violation(result);
  EXPECT_NE(result.explanation.find("in flight then, and placed above or not:\n  c2 write"),
            std::string::npos)
      << result.explanation;
}

TEST(Linearizable, RefusesMalformedHistories) {
  const auto verdict = [](const CheckResult& result) { return result.verdict; };
  const auto bad = HistoryVerdict::kMalformed;
  EXPECT_EQ(verdict(check_register({write(5, 4, "a")})), bad);
  EXPECT_EQ(verdict(check_register({write(0, kNever, "a")})), bad);
  EXPECT_EQ(verdict(check_register({failed(write(0, kNever, "a"))})), bad);
  EXPECT_EQ(verdict(check_register({write(kNever, kNever, "a")})), bad);
  EXPECT_EQ(verdict(check_register({append(0, 1, "a")})), bad);
  EXPECT_EQ(verdict(check_counter({write(0, 1, "a")})), bad);
  EXPECT_EQ(verdict(check_counter({add(0, 1, "many")})), bad);
  EXPECT_EQ(verdict(check_list({append(0, 1, "a,b")})), bad);
  EXPECT_EQ(verdict(check_list({append(0, 1, "")})), bad);
  EXPECT_EQ(verdict(check_list({add(0, 1, "1")})), bad);
}

// --- generated histories ------------------------------------------------------------------------

struct Shape {
  size_t operations = 6;
  size_t clients = 3;
  uint64_t values = 3;
  uint64_t unknown_percent = 0;
};

ObjectOp random_operation(world::Rng& rng, ObjectOpKind mutation, const Shape& shape) {
  ObjectOp made;
  made.object = "x";
  made.fate = Fate::kOk;
  if (rng.chance(1, 2)) {
    return made;
  }
  made.kind = mutation;
  made.argument = std::to_string(rng.below(shape.values));
  if (mutation == ObjectOpKind::kWrite && rng.chance(1, 3)) {
    made.kind = ObjectOpKind::kCompareAndSet;
    made.expected = std::to_string(rng.below(shape.values));
  }
  return made;
}

// What it is answered in this state; the state after it.
Bytes answer(ObjectOp& op, const SequentialObject& object, const Bytes& state) {
  ObjectOp open = op;
  open.fate = Fate::kUnknown;
  const Bytes after = *object.apply(state, open);
  if (op.kind == ObjectOpKind::kRead) {
    op.seen = state;
    if (dynamic_cast<const RegisterObject*>(&object) != nullptr) {
      op.seen = state.empty() ? std::nullopt : std::optional(state.substr(1));
    }
  } else if (op.kind == ObjectOpKind::kCompareAndSet) {
    op.swap = Swap::kDone;
    if (!object.apply(state, op)) {
      op.swap = Swap::kRefused;
    }
  }
  return after;
}

// Each takes effect at a moment inside its interval, which is what makes the history linearizable.
Ops random_history(world::Rng& rng, const SequentialObject& object, ObjectOpKind mutation,
                   const Shape& shape) {
  struct Effect {
    int64_t at_ns;
    size_t operation;
  };
  std::vector<int64_t> free_at(shape.clients, 0);
  Ops ops;
  std::vector<Effect> effects;
  for (size_t i = 0; i < shape.operations; ++i) {
    const size_t client = i % shape.clients;
    ObjectOp made = random_operation(rng, mutation, shape);
    made.client = fmt::format("c{}", client);
    made.called_ns = free_at[client] + rng.between(0, 20);
    const int64_t effect = made.called_ns + rng.between(0, 50);
    made.returned_ns = effect + rng.between(0, 50);
    free_at[client] = made.returned_ns + 1;
    effects.push_back({effect, i});
    ops.push_back(std::move(made));
  }
  std::ranges::sort(effects, {}, [](const Effect& e) { return std::pair(e.at_ns, e.operation); });
  Bytes state = object.initial();
  for (const Effect& effect : effects) {
    ObjectOp& made = ops[effect.operation];
    const bool open = rng.chance(shape.unknown_percent, 100);
    if (!open || rng.chance(1, 2)) {
      state = answer(made, object, state);
    }
    if (open) {
      made = unknown(std::move(made));
    }
  }
  return ops;
}

// The definition, word by word: some order of some of the operations, all certain ones among them.
bool has_order(const Ops& ops, const SequentialObject& object, std::vector<bool>& used,
               const Bytes& state) {
  bool all = true;
  for (size_t i = 0; i < ops.size(); ++i) {
    all = all && (used[i] || ops[i].fate != Fate::kOk);
  }
  if (all) {
    return true;
  }
  for (size_t i = 0; i < ops.size(); ++i) {
    const auto returned_before = [&](size_t j) {
      return !used[j] && ops[j].fate == Fate::kOk && ops[j].returned_ns < ops[i].called_ns;
    };
    bool may = !used[i] && ops[i].fate != Fate::kFailed;
    for (size_t j = 0; j < ops.size() && may; ++j) {
      may = !returned_before(j);
    }
    const auto after = may ? object.apply(state, ops[i]) : std::nullopt;
    if (after) {
      used[i] = true;
      if (has_order(ops, object, used, *after)) {
        return true;
      }
      used[i] = false;
    }
  }
  return false;
}

bool brute_force(const Ops& ops, const SequentialObject& object) {
  std::vector<bool> used(ops.size(), false);
  return has_order(ops, object, used, object.initial());
}

void change_something(world::Rng& rng, Ops& ops) {
  ObjectOp& changed = ops[rng.below(ops.size())];
  switch (rng.below(4)) {
    case 0:
      ops.erase(ops.begin() + static_cast<int64_t>(rng.below(ops.size())));
      return;
    case 1:
      changed.swap = changed.swap == Swap::kDone ? Swap::kRefused : Swap::kDone;
      return;
    case 2:
      changed.called_ns += 40;
      changed.returned_ns += changed.returned_ns == kNever ? 0 : 40;
      return;
    default:
      if (changed.kind == ObjectOpKind::kRead) {
        changed.seen = ops[rng.below(ops.size())].seen;
      }
  }
}

struct Kind {
  std::unique_ptr<SequentialObject> object;
  ObjectOpKind mutation;
};
std::vector<Kind> kinds() {
  std::vector<Kind> all;
  all.push_back({std::make_unique<RegisterObject>(), ObjectOpKind::kWrite});
  all.push_back({std::make_unique<CounterObject>(), ObjectOpKind::kAdd});
  all.push_back({std::make_unique<AppendListObject>(), ObjectOpKind::kAppend});
  return all;
}

TEST(Linearizable, AcceptsGeneratedHistories) {
  for (const Kind& kind : kinds()) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
      world::Rng rng(seed);
      const Ops ops = random_history(rng, *kind.object, kind.mutation,
                                     {.operations = 60, .clients = 5, .unknown_percent = 5});
      const CheckResult result = check_linearizable(ops, *kind.object);
      ASSERT_EQ(result.verdict, HistoryVerdict::kHolds) << "seed " << seed << result.to_string();
    }
  }
}

TEST(Linearizable, AgreesWithEveryPermutationOfSmallHistories) {
  int good = 0;
  int bad = 0;
  for (const Kind& kind : kinds()) {
    for (uint64_t seed = 0; seed < 1'500; ++seed) {
      world::Rng rng(seed);
      const Shape shape = {.operations = 2 + rng.below(5), .unknown_percent = 15};
      Ops ops = random_history(rng, *kind.object, kind.mutation, shape);
      for (uint64_t changes = rng.below(3); changes > 0 && !ops.empty(); --changes) {
        change_something(rng, ops);
      }
      const bool expected = brute_force(ops, *kind.object);
      const CheckResult result = check_linearizable(ops, *kind.object);
      ASSERT_EQ(result.verdict, expected ? HistoryVerdict::kHolds : HistoryVerdict::kViolation)
          << "seed " << seed << " " << result.to_string();
      ++(expected ? good : bad);
    }
  }
  EXPECT_GT(good, 1'000);
  EXPECT_GT(bad, 200);
}

TEST(Linearizable, VisitsFewStatesForAThousandOperationsOfEightClients) {
  for (const Kind& kind : kinds()) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
      world::Rng rng(seed);
      const Ops ops =
          random_history(rng, *kind.object, kind.mutation,
                         {.operations = 1'000, .clients = 5 + rng.below(4), .values = 5});
      const CheckResult result = check_linearizable(ops, *kind.object);
      ASSERT_EQ(result.verdict, HistoryVerdict::kHolds) << "seed " << seed << result.to_string();
      EXPECT_GE(result.states, ops.size());
      EXPECT_LE(result.states, 3 * ops.size()) << "seed " << seed;
    }
  }
}

TEST(Linearizable, IsUndecidedWhenTheBudgetIsSpent) {
  world::Rng rng(1);
  const Ops ops = random_history(rng, RegisterObject(), ObjectOpKind::kWrite, {.operations = 50});
  const CheckResult result = check_linearizable(ops, RegisterObject(), {.states_max = 20});
  EXPECT_EQ(result.verdict, HistoryVerdict::kUndecided);
  EXPECT_NE(result.explanation.find("within 20 states"), std::string::npos);
}

TEST(Linearizable, AViolationOutweighsAnUndecidedObject) {
  world::Rng rng(1);
  Ops ops = random_history(rng, RegisterObject(), ObjectOpKind::kWrite, {.operations = 50});
  ops.push_back(of("y", read(0, 1, "ghost")));
  expect_violation(check_linearizable(ops, RegisterObject(), {.states_max = 20}));
  ops.back() = of("y", read(0, 1, {}));
  EXPECT_EQ(check_linearizable(ops, RegisterObject(), {.states_max = 20}).verdict,
            HistoryVerdict::kUndecided);
}

TEST(Linearizable, TheVerdictDoesNotDependOnTheOrderOfTheRecords) {
  world::Rng rng(3);
  Ops ops = random_history(rng, RegisterObject(), ObjectOpKind::kWrite, {.operations = 40});
  ops.push_back(read(20, 30, "ghost"));
  const CheckResult first = check_register(ops);
  std::ranges::reverse(ops);
  const CheckResult second = check_register(ops);
  expect_violation(first);
  expect_violation(second);
}

}  // namespace
}  // namespace kelpie::sim
