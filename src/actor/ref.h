// ActorRef: the name of an actor.
#pragma once

#include <compare>
#include <string>

#include "base/result.h"
#include "store/keys.h"

namespace kelpie::actor {

// Type and namespace at most kActorNamespaceBytesMax bytes, id at most kActorIdBytesMax, none
// empty.
struct ActorRef {
  std::string type;
  std::string ns;
  std::string id;

  [[nodiscard]] store::keys::ActorName name() const { return {type, ns, id}; }
  // `type/ns/id`, for logs and errors.
  [[nodiscard]] std::string to_string() const { return type + "/" + ns + "/" + id; }
  // invalid_argument names the part that is empty or too long.
  [[nodiscard]] Result<void> check() const;
  auto operator<=>(const ActorRef&) const = default;
};

}  // namespace kelpie::actor
