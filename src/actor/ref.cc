#include "actor/ref.h"

#include <string_view>

#include "base/limits.h"

namespace kelpie::actor {
namespace {

Result<void> check_part(std::string_view what, const std::string& part, size_t bytes_max) {
  if (part.empty() || part.size() > bytes_max) {
    return base::invalid_argument("an actor's " + std::string(what) + " has 1 to " +
                                  std::to_string(bytes_max) + " bytes, got " +
                                  std::to_string(part.size()));
  }
  return kOk;
}

}  // namespace

Result<void> ActorRef::check() const {
  TRY(check_part("type", type, base::kActorNamespaceBytesMax));
  TRY(check_part("namespace", ns, base::kActorNamespaceBytesMax));
  return check_part("id", id, base::kActorIdBytesMax);
}

}  // namespace kelpie::actor
