#include "actor/residents.h"

#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

class ResidentsTest : public testing::ActorTest {
 protected:
  std::shared_ptr<Activation> make(const std::string& ns, const std::string& id) {
    return std::make_shared<Activation>(*runtime_, residents_.kind(type_, ns),
                                        ActorRef{type_.name, ns, id});
  }
  std::string order() {
    std::string ids;
    for (Activation* each = residents_.first(); each != nullptr; each = residents_.after(*each)) {
      ids += each->id();
    }
    return ids;
  }
  ActorType type_{"other",
                  [this](ActorServices services) {
                    return std::make_unique<testing::ScriptActor>(std::move(services), journal_);
                  },
                  {},
                  {}};
  Residents residents_;
};

TEST_F(ResidentsTest, FindsByTypeNamespaceAndId) {
  const auto a = make("n", "a");
  residents_.add(a);
  EXPECT_EQ(residents_.find({"other", "n", "a"}), a);
  EXPECT_EQ(residents_.find({"other", "n", "b"}), nullptr);
  EXPECT_EQ(residents_.find({"other", "m", "a"}), nullptr);
  EXPECT_EQ(residents_.find({"script", "n", "a"}), nullptr);
  EXPECT_EQ(a->self(), (ActorRef{"other", "n", "a"}));
}

TEST_F(ResidentsTest, RemovesOneAndNoOtherOfItsName) {
  const auto first = make("n", "a");
  const auto second = make("n", "a");
  residents_.add(first);
  EXPECT_TRUE(residents_.remove(*first));
  residents_.add(second);
  EXPECT_FALSE(residents_.remove(*first));
  EXPECT_EQ(residents_.find({"other", "n", "a"}), second);
  EXPECT_EQ(residents_.size(), 1U);
}

TEST_F(ResidentsTest, KeepsTheOrderOfUse) {
  const auto a = make("n", "a");
  const auto b = make("n", "b");
  const auto c = make("n", "c");
  residents_.add(a);
  residents_.add(b);
  residents_.add(c);
  EXPECT_EQ(order(), "abc");
  residents_.touch(*a, Instant::from_nanos(5));
  EXPECT_EQ(order(), "bca");
  EXPECT_EQ(a->last_used(), Instant::from_nanos(5));
  residents_.touch(*a, Instant::from_nanos(6));
  EXPECT_EQ(order(), "bca");
  residents_.remove(*c);
  EXPECT_EQ(order(), "ba");
  residents_.touch(*c, Instant::from_nanos(7));
  EXPECT_EQ(order(), "ba") << "one that is not there has no place";
  residents_.remove(*a);
  residents_.remove(*b);
  EXPECT_EQ(residents_.first(), nullptr);
}

TEST_F(ResidentsTest, KindsAreSharedAndGoWhenNobodyNeedsThem) {
  Kind& used = residents_.kind(type_, "used");
  const auto a = make("used", "a");
  residents_.add(a);
  EXPECT_EQ(used.activations, 1U);
  EXPECT_EQ(&residents_.kind(type_, "used"), &used);
  for (int i = 0; i < 1'000; ++i) {
    residents_.kind(type_, "n" + std::to_string(i));
  }
  EXPECT_EQ(&residents_.kind(type_, "used"), &used) << "it is in use";
  EXPECT_EQ(a->self().ns, "used");
}

}  // namespace
}  // namespace kelpie::actor
