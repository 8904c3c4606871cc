// An actor's own keys, sends and reminders: all with the turn, or not at all.
#include <algorithm>

#include "async/sleep.h"
#include "embed/typed_world_test.h"

namespace kelpie::embed {
namespace {

using Keys = std::vector<std::string>;

// Does what the test hands it; methods are named, tests are not.
class Cupboard : public Actor<NoState> {
 public:
  static constexpr std::string_view kType = "cupboard";
  using Body = std::function<Task<void>(Context&)>;

  explicit Cupboard(Body& body) : body_(body) {}
  Task<void> act(Context& ctx) { return body_(ctx); }
  Task<int64_t> note(Context& ctx, std::string text) {
    const int64_t before = (co_await ctx.kv().get_as<int64_t>("notes")).value_or(0);
    co_await ctx.kv().set("note/" + std::to_string(before), std::move(text));
    co_await ctx.kv().set_as<int64_t>("notes", before + 1);
    co_return before + 1;
  }
  static void methods(Methods<Cupboard>& m) {
    m.turn<&Cupboard::act>("act");
    m.turn<&Cupboard::note>("note");
  }

 private:
  Body& body_;
};

class KvTest : public TypedWorld {
 protected:
  KvTest() {
    node_ = std::make_unique<Node>(machine_.world, database_, NodeSettings{});
    node_->add<Cupboard>([this] { return std::make_unique<Cupboard>(body_); });
    CHECK(run(node_->start()).ok());
  }
  // Runs a coroutine function as a turn of the actor.
  Result<void> turn(Cupboard::Body body) {
    body_ = std::move(body);
    return run(node_->actor<Cupboard>("c").call<&Cupboard::act>());
  }
  Cupboard::Body body_;
  inline static Keys keys_;
  inline static std::optional<std::string> next_;
};

Task<void> fill(Context& ctx) {
  for (const char* key : {"a", "ab", "ab\xff", "abc", "b", "b/1", "b/2", "c"}) {
    co_await ctx.kv().set(key, std::string("value of ") + key);
  }
  // Its chunks lie between keys; the one that follows begins with it.
  co_await ctx.kv().set("b/1", Bytes(200'000, 'x'));
  co_await ctx.kv().set(std::string("b/1\0", 4), "behind");
  co_return kOk;
}
Task<void> list_keys(Context& ctx, KvQuery query, Keys& keys, std::optional<std::string>& next) {
  KvKeys page = co_await ctx.kv().list_keys(query);
  const KvPage values = co_await ctx.kv().list(query);
  keys = std::move(page.keys);
  next = page.next;
  // Both ways of listing see the same.
  EXPECT_EQ(values.next, page.next);
  Keys same;
  for (const KvEntry& entry : values.entries) {
    same.push_back(entry.key);
    EXPECT_EQ(co_await ctx.kv().get(entry.key), entry.value);
  }
  EXPECT_EQ(same, keys);
  co_return kOk;
}
Task<void> read_own_writes(Context& ctx) {
  EXPECT_FALSE((co_await ctx.kv().get("k")).has_value());
  co_await ctx.kv().set("k", "v");
  EXPECT_EQ(co_await ctx.kv().get("k"), "v");
  EXPECT_TRUE(co_await ctx.kv().exists("k"));
  co_await ctx.kv().set("l", "w");
  co_await ctx.kv().remove("k");
  EXPECT_FALSE(co_await ctx.kv().exists("k"));
  EXPECT_EQ((co_await ctx.kv().list_keys({})).keys, Keys{"l"});
  co_return kOk;
}
Task<void> write_and_fail(Context& ctx) {
  co_await ctx.kv().set("l", "lost");
  co_await ctx.kv().set("m", "lost");
  co_await ctx.actor<Cupboard>("d").send<&Cupboard::note>("lost");
  co_await ctx.remind_after<&Cupboard::note>("r", Duration::seconds(1), "lost");
  co_return failed_precondition("no");
}
Task<void> expect_only_l(Context& ctx) {
  EXPECT_EQ((co_await ctx.kv().list_keys({})).keys, Keys{"l"});
  EXPECT_EQ(co_await ctx.kv().get("l"), "w");
  EXPECT_FALSE(co_await ctx.cancel_reminder("r"));
  co_return kOk;
}
Task<void> expect_errors(Context& ctx) {
  for (const std::string& key : {std::string(), std::string(4'001, 'k')}) {
    EXPECT_EQ((co_await ctx.kv().get(key).result()).error().code, Code::kInvalidArgument);
    EXPECT_EQ((co_await ctx.kv().set(key, "").result()).error().code, Code::kInvalidArgument);
  }
  EXPECT_TRUE((co_await ctx.kv().set(std::string(4'000, '\0'), "v").result()).ok());
  EXPECT_EQ((co_await ctx.kv().list({.limit = 0}).result()).error().code, Code::kInvalidArgument);
  EXPECT_EQ((co_await ctx.kv().set("k", Bytes(9'000'001, 'x')).result()).error().code,
            Code::kInvalidArgument);
  co_await ctx.kv().set("text", "not JSON");
  EXPECT_FALSE((co_await ctx.kv().get_as<int>("text").result()).ok());
  co_return kOk;
}
Task<void> send_two(Context& ctx) {
  co_await ctx.actor<Cupboard>("d").send<&Cupboard::note>("one");
  co_await ctx.actor<Cupboard>("d").send<&Cupboard::note>("two");
  co_return kOk;
}
Task<void> remind(Context& ctx) {
  co_await ctx.remind_after<&Cupboard::note>("once", Duration::seconds(5), "reminded");
  co_await ctx.remind_after<&Cupboard::note>("never", Duration::seconds(5), "cancelled");
  Every every{.period = Duration::seconds(10), .catch_up = CatchUp::kAll};
  co_await ctx.remind_every<&Cupboard::note>("often", every, "again");
  co_return kOk;
}
Task<void> cancel(Context& ctx) {
  EXPECT_TRUE(co_await ctx.cancel_reminder("never"));
  EXPECT_FALSE(co_await ctx.cancel_reminder("never"));
  co_return kOk;
}
Task<void> notes(Context& ctx, Keys& into) {
  into.clear();
  for (const KvEntry& entry : (co_await ctx.kv().list({.prefix = "note/"})).entries) {
    into.push_back(entry.value);
  }
  co_return kOk;
}

TEST_F(KvTest, ATurnReadsItsOwnWrites) { ASSERT_TRUE(turn(read_own_writes).ok()); }

TEST_F(KvTest, ATurnThatFailsHasWrittenSentAndSetNothing) {
  ASSERT_TRUE(turn(read_own_writes).ok());
  EXPECT_EQ(turn(write_and_fail).error().code, Code::kFailedPrecondition);
  ASSERT_TRUE(turn(expect_only_l).ok());
  machine_.clock.now = machine_.clock.now + Duration::seconds(60);
  pass(Duration::seconds(5));
  ASSERT_TRUE(turn(expect_only_l).ok());
}

TEST_F(KvTest, AConflictWritesOnce) {
  database_.conflicts = 3;
  ASSERT_TRUE(run(node_->actor<Cupboard>("c").call<&Cupboard::note>("x")).ok());
  EXPECT_EQ(run(node_->actor<Cupboard>("c").call<&Cupboard::note>("y")).value(), 2);
}

TEST_F(KvTest, WrongKeysAndSizesAreErrors) { ASSERT_TRUE(turn(expect_errors).ok()); }

TEST_F(KvTest, ListsKeysInOrderByPrefixRangeAndPage) {
  ASSERT_TRUE(turn(fill).ok());
  const std::string b10("b/1\0", 4);
  const auto list = [this](KvQuery query) {
    EXPECT_TRUE(turn([query](Context& ctx) { return list_keys(ctx, query, keys_, next_); }).ok());
    return keys_;
  };
  EXPECT_EQ(list({}), (Keys{"a", "ab", "abc", "ab\xff", "b", "b/1", b10, "b/2", "c"}));
  EXPECT_EQ(next_, std::nullopt);
  EXPECT_EQ(list({.prefix = "ab"}), (Keys{"ab", "abc", "ab\xff"}));
  EXPECT_EQ(list({.prefix = "ab\xff"}), (Keys{"ab\xff"}));
  EXPECT_EQ(list({.prefix = "b/"}), (Keys{"b/1", b10, "b/2"}));
  EXPECT_EQ(list({.prefix = b10}), (Keys{b10}));
  EXPECT_EQ(list({.prefix = "zz"}), Keys());
  EXPECT_EQ(list({.begin = "ab", .end = "b"}), (Keys{"ab", "abc", "ab\xff"}));
  EXPECT_EQ(list({.begin = "b", .end = "a"}), Keys());
  EXPECT_EQ(list({.end = b10}), (Keys{"a", "ab", "abc", "ab\xff", "b", "b/1"}));
  EXPECT_EQ(list({.after = "b/1"}), (Keys{b10, "b/2", "c"}));
  EXPECT_EQ(list({.prefix = "b", .after = "b"}), (Keys{"b/1", b10, "b/2"}));
  for (const size_t limit : {1, 2, 4}) {
    Keys all;
    KvQuery query{.limit = limit};
    do {
      const Keys page = list(query);
      EXPECT_LE(page.size(), limit);
      all.insert(all.end(), page.begin(), page.end());
      query.after = next_.value_or("");
    } while (next_);
    EXPECT_EQ(all.size(), 9U) << limit;
  }
}

TEST_F(KvTest, MessagesArriveInTheOrderInWhichTheyWereSent) {
  ASSERT_TRUE(turn(send_two).ok());
  pass(Duration::seconds(2));
  Keys said;
  body_ = [&said](Context& ctx) { return notes(ctx, said); };
  ASSERT_TRUE(run(node_->actor<Cupboard>("d").call<&Cupboard::act>()).ok());
  EXPECT_EQ(said, (Keys{"one", "two"}));
}

TEST_F(KvTest, RemindersCallWhenTheyAreDueUnlessTheyWereCancelled) {
  ASSERT_TRUE(turn(remind).ok());
  ASSERT_TRUE(turn(cancel).ok());
  Keys said;
  pass(Duration::seconds(2));
  ASSERT_TRUE(turn([&said](Context& ctx) { return notes(ctx, said); }).ok());
  EXPECT_EQ(said, Keys());
  machine_.clock.now = machine_.clock.now + Duration::seconds(30);
  pass(Duration::seconds(2));
  ASSERT_TRUE(turn([&said](Context& ctx) { return notes(ctx, said); }).ok());
  // Reminders of different names have no order among them.
  std::ranges::sort(said);
  EXPECT_EQ(said, (Keys{"again", "again", "again", "reminded"}));
}

}  // namespace
}  // namespace kelpie::embed
