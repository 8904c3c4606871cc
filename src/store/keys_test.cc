#include "store/keys.h"

#include <gtest/gtest.h>

namespace kelpie::store::keys {
namespace {

using Kind = MemberPlace::Kind;

TEST(Keys, AnOwnersKeyIsReadBack) {
  const auto name = owned_actor_of(owner({"agent", "default", Bytes("a\0b", 3)}));
  ASSERT_TRUE(name.ok());
  EXPECT_EQ(name->type, "agent");
  EXPECT_EQ(name->ns, "default");
  EXPECT_EQ(name->id, Bytes("a\0b", 3));
  for (const Bytes& other :
       {Bytes("?"), Bytes(), actor_head({"agent", "default", "a"}), node("n")}) {
    EXPECT_EQ(owned_actor_of(other).error().code, Code::kDataLoss);
  }
}

TEST(Keys, AnActorsKeysLieInItsTypeAndNamespaceAndTellWhoseTheyAre) {
  const ActorName name{"agent", "default", std::string_view("a\0b", 3)};
  for (const Bytes& key :
       {actor_head(name), actor_state(name), actor_data(name, "k"), actor_reminder(name, "r")}) {
    for (const KeyRange& range : {actors(), actors("agent"), actors("agent", "default")}) {
      EXPECT_TRUE(range.contains(key));
    }
    EXPECT_FALSE(actors("agents").contains(key));
    EXPECT_FALSE(actors("agent", "other").contains(key));
  }
  const auto found = actor_of(actor_data(name, "k"));
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(found->type, "agent");
  EXPECT_EQ(found->ns, "default");
  EXPECT_EQ(found->id, Bytes("a\0b", 3));
  for (const Bytes& other : {owner(name), agent_config("a"), guard("n"), Bytes("?")}) {
    EXPECT_EQ(actor_of(other).error().code, Code::kDataLoss);
  }
}

TEST(Keys, MembershipHoldsBeatsEpochsAndNodesAndNothingElse) {
  const KeyRange range = membership();
  const struct {
    Bytes key;
    Kind kind;
  } places[] = {{beat("n1"), Kind::kBeat}, {epoch("n1"), Kind::kEpoch}, {node("n1"), Kind::kNode}};
  for (const auto& place : places) {
    EXPECT_TRUE(range.contains(place.key));
    EXPECT_EQ(member_place_of(place.key).kind, place.kind);
    EXPECT_EQ(member_place_of(place.key).node, "n1");
  }
  for (const Bytes& other : {owner({"agent", "default", "a"}), actor_head({"a", "b", "c"}),
                             schema_version(), guard("nonce")}) {
    EXPECT_FALSE(range.contains(other));
    EXPECT_EQ(member_place_of(other).kind, Kind::kOther);
  }
}

}  // namespace
}  // namespace kelpie::store::keys
