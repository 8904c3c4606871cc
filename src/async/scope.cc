#include "async/scope.h"

#include <utility>

namespace kelpie::async {

Scope::Scope(Loop& loop, OnError on_error)
    : loop_(loop),
      on_error_(std::move(on_error)),
      empty_(loop),
      ended_(std::make_shared<std::list<std::unique_ptr<Entry>>>()) {}

Scope::~Scope() { cancel(); }

void Scope::spawn(Task<void> task) {
  CHECK(task.valid());
  if (closed_) {
    return;
  }
  running_.push_back(std::make_unique<Entry>(Entry{this, std::move(task), {}}));
  Entry* entry = running_.back().get();
  entry->place = std::prev(running_.end());
  const bool done = entry->task.start(
      [](void* context) {
        auto* ended_entry = static_cast<Entry*>(context);
        ended_entry->scope->ended(ended_entry);
      },
      entry);
  if (done) {
    ended(entry);
  }
}

void Scope::ended(Entry* entry) {
  Result<void> result = entry->task.take();
  // Its frame may still be on the stack below us, so it is destroyed from the loop.
  ended_->splice(ended_->end(), running_, entry->place);
  if (ended_->size() == 1) {
    loop_.post([graves = ended_] { graves->clear(); });
  }
  if (running_.empty()) {
    empty_.set();
  }
  if (!result.ok() && result.error().code != Code::kCancelled && on_error_) {
    on_error_(result.error());
  }
}

Task<void> Scope::drain() {
  closed_ = true;
  if (!running_.empty()) {
    empty_.clear();
    co_await empty_.wait();
  }
  co_return kOk;
}

void Scope::cancel() {
  closed_ = true;
  // Destroying a task may run destructors that look at this scope, so take it out first.
  while (!running_.empty()) {
    std::unique_ptr<Entry> entry = std::move(running_.front());
    running_.pop_front();
    entry.reset();
  }
  ended_->clear();
  empty_.set();
}

}  // namespace kelpie::async
