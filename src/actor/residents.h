// Residents: the activations of one loop, by name, and in the order in which they were used.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actor/activation.h"
#include "actor/kind.h"
#include "actor/ref.h"

namespace kelpie::actor {

// Owns its activations together with their workers. One Loop.
class Residents {
 public:
  Residents() = default;
  ~Residents();
  Residents(const Residents&) = delete;
  Residents& operator=(const Residents&) = delete;

  // Null: not active here.
  [[nodiscard]] std::shared_ptr<Activation> find(const ActorRef& actor) const;
  // Of this type in this namespace; made if it is not there.
  Kind& kind(ActorType& type, const std::string& ns);
  // Newest in use. No other of its name is there.
  void add(std::shared_ptr<Activation> activation);
  // False: it was not there, another of its name perhaps is.
  bool remove(const Activation& activation);
  // It is in use at this moment.
  void touch(Activation& activation, Instant now);

  [[nodiscard]] size_t size() const { return by_name_.size(); }
  // In order of use, the one used longest ago first; null: none, none after.
  [[nodiscard]] Activation* first();
  [[nodiscard]] Activation* after(Activation& activation);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(const std::shared_ptr<Activation>& activation) const;
    size_t operator()(const ActorRef& actor) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::shared_ptr<Activation>& a,
                    const std::shared_ptr<Activation>& b) const {
      return a == b;
    }
    bool operator()(const ActorRef& a, const std::shared_ptr<Activation>& b) const;
    bool operator()(const std::shared_ptr<Activation>& a, const ActorRef& b) const {
      return (*this)(b, a);
    }
  };
  using ByUse = boost::intrusive::list<
      Activation, boost::intrusive::member_hook<Activation, boost::intrusive::list_member_hook<>,
                                                &Activation::by_use>>;

  // Types by name and namespace; those that no activation needs go when others are made.
  std::map<std::pair<std::string, std::string>, Kind> kinds_;
  size_t kinds_swept_at_ = 64;
  // Never walked: its order is no order.
  boost::unordered_flat_set<std::shared_ptr<Activation>, Hash, Equal> by_name_;
  ByUse by_use_;
};

}  // namespace kelpie::actor
