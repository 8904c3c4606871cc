#include "actor/residents.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::actor {
namespace {

size_t hash_of(std::string_view type, std::string_view ns, std::string_view id) {
  return base::hash64(id, base::hash64(ns, base::hash64(type)));
}

}  // namespace

size_t Residents::Hash::operator()(const std::shared_ptr<Activation>& activation) const {
  const Kind& kind = activation->kind();
  return hash_of(kind.type.name, kind.ns, activation->id());
}

size_t Residents::Hash::operator()(const ActorRef& actor) const {
  return hash_of(actor.type, actor.ns, actor.id);
}

bool Residents::Equal::operator()(const ActorRef& a, const std::shared_ptr<Activation>& b) const {
  const Kind& kind = b->kind();
  return a.id == b->id() && a.type == kind.type.name && a.ns == kind.ns;
}

Residents::~Residents() { by_use_.clear(); }

std::shared_ptr<Activation> Residents::find(const ActorRef& actor) const {
  const auto found = by_name_.find(actor);
  return found == by_name_.end() ? nullptr : *found;
}

Kind& Residents::kind(ActorType& type, const std::string& ns) {
  const auto found = kinds_.find({type.name, ns});
  if (found != kinds_.end()) {
    return found->second;
  }
  if (kinds_.size() >= kinds_swept_at_) {
    std::erase_if(kinds_, [](const auto& entry) { return entry.second.activations == 0; });
    kinds_swept_at_ = std::max<size_t>(kinds_swept_at_, kinds_.size() * 2);
  }
  return kinds_.emplace(std::pair(type.name, ns), Kind{type, ns}).first->second;
}

void Residents::add(std::shared_ptr<Activation> activation) {
  Activation& added = *activation;
  const bool fresh = by_name_.insert(std::move(activation)).second;
  CHECK(fresh);
  by_use_.push_back(added);
}

bool Residents::remove(const Activation& activation) {
  if (!activation.by_use.is_linked()) {
    return false;
  }
  const auto found = by_name_.find(activation.self());
  CHECK(found != by_name_.end() && found->get() == &activation);
  by_use_.erase(by_use_.iterator_to(**found));
  by_name_.erase(found);
  return true;
}

void Residents::touch(Activation& activation, Instant now) {
  activation.last_used_ = now;
  if (activation.by_use.is_linked()) {
    by_use_.splice(by_use_.end(), by_use_, by_use_.iterator_to(activation));
  }
}

Activation* Residents::first() { return by_use_.empty() ? nullptr : &by_use_.front(); }

Activation* Residents::after(Activation& activation) {
  auto next = std::next(by_use_.iterator_to(activation));
  return next == by_use_.end() ? nullptr : &*next;
}

}  // namespace kelpie::actor
