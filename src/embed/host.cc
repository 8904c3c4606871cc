#include "embed/host.h"

#include <utility>

#include "actor/turn.h"
#include "base/check.h"
#include "base/limits.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie {

ActivationContext::ActivationContext(store::Transaction& transaction, const ActorRef& self)
    : self_(self), kv_(nullptr, &transaction, self) {}

namespace detail {
namespace {

// The turn that runs, for as long as its method does.
class Entered {
 public:
  Entered(std::shared_ptr<Context>& place, std::shared_ptr<Context> context) : place_(place) {
    CHECK(place_ == nullptr);
    place_ = std::move(context);
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered() { place_.reset(); }

 private:
  std::shared_ptr<Context>& place_;
};

}  // namespace

HostedType::HostedType(ActorType type) : type_(std::move(type)) {
  for (const Method& method : type_.methods) {
    CHECK(!method.name.empty() && method.name.size() <= base::kActorMethodBytesMax);
    CHECK((method.kind == MethodKind::kReadOnly) == (method.read != nullptr));
    const bool fresh = methods_.emplace(method.name, &method).second;
    CHECK(fresh);
  }
}

const Method* HostedType::find(std::string_view name) const {
  const auto found = methods_.find(name);
  return found == methods_.end() ? nullptr : found->second;
}

std::string HostedType::names() const {
  std::string names;
  for (const auto& [name, method] : methods_) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  return names.empty() ? "none" : names;
}

Result<Bytes> encode_state(const StateType& type, const void* state) {
  const Json json =
      Json::object({{"schema", Json::integer(type.schema)}, {"state", type.to_json(state)}});
  Bytes bytes = TRY(json.write());
  if (bytes.size() > base::kActorStateBytesMax) {
    return base::invalid_argument(
        "an actor's state has at most " + std::to_string(base::kActorStateBytesMax) +
        " bytes as JSON, got " + std::to_string(bytes.size()) + "; keep what is large in its keys");
  }
  return bytes;
}

Result<std::shared_ptr<void>> decode_state(const StateType& type, ByteView bytes) {
  const Result<Json> json = Json::parse(bytes);
  const Json* schema = json.ok() ? json->find("schema") : nullptr;
  const Json* state = json.ok() ? json->find("state") : nullptr;
  const int64_t* from = schema != nullptr ? schema->as_integer() : nullptr;
  if (from == nullptr || *from < 1 || state == nullptr) {
    return base::data_loss("the stored state has an unknown format");
  }
  if (*from > type.schema) {
    return base::failed_precondition("the stored state has schema " + std::to_string(*from) +
                                     ", and this program knows up to " +
                                     std::to_string(type.schema) + ": run a newer one");
  }
  Result<std::shared_ptr<void>> read = type.read(*state, static_cast<int>(*from));
  if (!read.ok()) {
    return base::data_loss("the stored state of schema " + std::to_string(*from) +
                           " does not read: " + read.error().message);
  }
  return read;
}

Host::Host(std::shared_ptr<const HostedType> type, ActorRef self)
    : type_(std::move(type)), self_(std::move(self)) {}

Task<void> Host::activate(store::Transaction& transaction) {
  const StateType& state = type_->type().state;
  committed_ = state.make();
  if (!state.none) {
    const Bytes key = store::keys::actor_state(self_.name());
    if (const std::optional<Bytes> stored = co_await store::get_chunked(transaction, key)) {
      auto decoded = decode_state(state, *stored);
      if (!decoded.ok()) {
        co_return std::move(decoded).error().with_context(self_.to_string());
      }
      committed_ = std::move(decoded).value();
    }
  }
  object_ = type_->type().make();
  ActivationContext context(transaction, self_);
  co_return co_await object_->activated(context, committed_.get()).result();
}

Task<Bytes> Host::invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) {
  const Method* method = type_->find(what->method);
  if (method == nullptr) {
    co_return no_method(what->method);
  }
  if (method->kind == MethodKind::kReadOnly) {
    turn.read_only();
    co_return read(*what);
  }
  if (running_) {
    // Turns of one actor do not overlap: this call came back into the one that waits for it.
    const std::shared_ptr<Context> context = running_;
    CHECK(&context->turn_ == &turn);
    co_return co_await method->invoke(*object_, *context, what->arguments).result();
  }
  const auto context =
      std::make_shared<Context>(turn, type_->type().state, std::shared_ptr<const void>(committed_));
  const Entered entered(running_, context);
  Bytes reply = co_await method->invoke(*object_, *context, what->arguments);
  co_await finish(turn, context);
  co_return reply;
}

Result<Bytes> Host::read(const actor::Invocation& what) const {
  const Method* method = type_->find(what.method);
  if (method == nullptr || method->read == nullptr) {
    return no_method(what.method);
  }
  return method->read(*object_, committed_.get(), what.arguments);
}

Task<void> Host::finish(actor::Turn& turn, std::shared_ptr<Context> context) {
  if (context->copy_ && !context->destroyed_) {
    const StateType& state = type_->type().state;
    Bytes after = co_await encode_state(state, context->copy_.get());
    const Result<Bytes> before = encode_state(state, committed_.get());
    if (!before.ok() || *before != after) {
      const Bytes key = store::keys::actor_state(self_.name());
      co_await store::set_chunked(turn.transaction(), key, std::move(after));
      turn.after_commit([this, copy = context->copy_] { committed_ = copy; });
      co_return kOk;
    }
  }
  if (!context->wrote_ && turn.messages() == 0) {
    turn.read_only();
  }
  co_return kOk;
}

Error Host::no_method(const std::string& name) const {
  return base::not_found("actors of type " + self_.type + " have no method `" + name +
                         "`; they have: " + type_->names());
}

}  // namespace detail
}  // namespace kelpie
