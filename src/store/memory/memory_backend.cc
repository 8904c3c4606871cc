#include "store/memory/memory_backend.h"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/check.h"

namespace kelpie::store {

// Each key has its values by version, ascending; a value that was cleared is nullopt. A value is
// dropped when the next one of its key is not newer than the oldest snapshot in use.
class MemoryBackend::State {
 public:
  struct Stored {
    Version version;
    std::optional<Bytes> value;
  };
  using Chain = std::vector<Stored>;
  using Map = std::map<Bytes, Chain>;

  [[nodiscard]] const Map& map() const { return map_; }
  [[nodiscard]] size_t stored() const { return stored_; }

  void open_view(Version version) { views_.insert(version); }
  void close_view(Version version) {
    views_.erase(views_.find(version));
    prune();
  }

  void apply(CommitBatch batch) {
    for (Mutation& mutation : batch.mutations) {
      switch (mutation.kind) {
        case Mutation::Kind::kSet:
          set(std::move(mutation.key), batch.version, std::move(mutation.value));
          break;
        case Mutation::Kind::kClear:
          clear(mutation.key, batch.version);
          break;
        case Mutation::Kind::kClearRange:
          clear_range(mutation.key, mutation.value, batch.version);
          break;
      }
    }
  }

  // The value that a reader at `version` sees.
  static const Bytes* visible(const Chain& chain, Version version) {
    for (auto stored = chain.rbegin(); stored != chain.rend(); ++stored) {
      if (stored->version <= version) {
        return stored->value ? &*stored->value : nullptr;
      }
    }
    return nullptr;
  }

 private:
  void store(Chain& chain, Version version, std::optional<Bytes> value) {
    if (!chain.empty() && chain.back().version == version) {
      chain.back().value = std::move(value);
      return;
    }
    CHECK(chain.empty() || chain.back().version < version);
    chain.push_back({version, std::move(value)});
    ++stored_;
  }

  void set(Bytes key, Version version, Bytes value) {
    const auto [row, inserted] = map_.try_emplace(std::move(key));
    if (!inserted) {
      superseded_.emplace_back(version, row->first);
    }
    store(row->second, version, std::move(value));
  }

  void clear(const Bytes& key, Version version) {
    const auto found = map_.find(key);
    if (found != map_.end() && found->second.back().value) {
      store(found->second, version, std::nullopt);
      superseded_.emplace_back(version, key);
    }
  }

  void clear_range(const Bytes& begin, const Bytes& end, Version version) {
    for (auto key = map_.lower_bound(begin); key != map_.end() && key->first < end; ++key) {
      if (key->second.back().value) {
        store(key->second, version, std::nullopt);
        superseded_.emplace_back(version, key->first);
      }
    }
  }

  void prune();

  Map map_;
  size_t stored_ = 0;
  std::multiset<Version> views_;
  // (version that replaced a value, key), in order of version.
  std::deque<std::pair<Version, Bytes>> superseded_;

  friend class MemoryBackend;
};

void MemoryBackend::State::prune() {
  if (views_.empty()) {
    return;
  }
  const Version oldest = *views_.begin();
  while (!superseded_.empty() && superseded_.front().first <= oldest) {
    const auto found = map_.find(superseded_.front().second);
    superseded_.pop_front();
    if (found == map_.end()) {
      continue;
    }
    Chain& chain = found->second;
    const size_t before = chain.size();
    auto kept = chain.begin();
    while (std::next(kept) != chain.end() && std::next(kept)->version <= oldest) {
      ++kept;
    }
    chain.erase(chain.begin(), kept);
    if (chain.size() == 1 && !chain.front().value && chain.front().version <= oldest) {
      chain.clear();
    }
    stored_ -= before - chain.size();
    if (chain.empty()) {
      map_.erase(found);
    }
  }
}

class MemoryBackend::View final : public Snapshot {
 public:
  View(std::shared_ptr<State> state, Version version)
      : state_(std::move(state)), version_(version) {
    state_->open_view(version_);
  }
  ~View() override { state_->close_view(version_); }

  [[nodiscard]] Version version() const override { return version_; }

  Task<std::optional<Bytes>> get(Bytes key) const override {
    const auto found = state_->map().find(key);
    const Bytes* value =
        found == state_->map().end() ? nullptr : State::visible(found->second, version_);
    co_return value == nullptr ? std::optional<Bytes>() : std::optional<Bytes>(*value);
  }

  Task<RangePage> range(RangeRead read) const override {
    RangePage page;
    if (read.range.empty()) {
      co_return std::move(page);
    }
    const auto first = state_->map().lower_bound(read.range.begin);
    const auto last = state_->map().lower_bound(read.range.end);
    size_t bytes = 0;
    if (read.order == Order::kForward) {
      for (auto row = first; row != last && add(page, bytes, read, row->first, row->second);) {
        ++row;
      }
    } else {
      for (auto row = last; row != first;) {
        --row;
        if (!add(page, bytes, read, row->first, row->second)) {
          break;
        }
      }
    }
    co_return std::move(page);
  }

 private:
  // False once the page is full, and then says where to go on.
  bool add(RangePage& page, size_t& bytes, const RangeRead& read, const Bytes& key,
           const State::Chain& chain) const {
    const Bytes* value = State::visible(chain, version_);
    if (value == nullptr) {
      return true;
    }
    bytes += key.size() + value->size();
    const bool full = page.rows.size() >= read.rows_max || bytes > read.bytes_max;
    if (full && !page.rows.empty()) {
      page.more = true;
      page.next = read.order == Order::kForward ? KeyRange{key, read.range.end}
                                                : KeyRange{read.range.begin, key + '\0'};
      return false;
    }
    page.rows.push_back({key, *value});
    return true;
  }

  std::shared_ptr<State> state_;
  Version version_;
};

MemoryBackend::MemoryBackend()
    : state_(std::make_shared<State>()), latest_(std::make_shared<View>(state_, Version(0))) {}

MemoryBackend::~MemoryBackend() = default;

std::shared_ptr<const Snapshot> MemoryBackend::latest() const { return latest_; }

Task<void> MemoryBackend::apply(CommitBatch batch) {
  apply_now(std::move(batch));
  co_return kOk;
}

void MemoryBackend::apply_now(CommitBatch batch) {
  CHECK(batch.version > latest_->version());
  const Version version = batch.version;
  state_->apply(std::move(batch));
  latest_ = std::make_shared<View>(state_, version);
}

size_t MemoryBackend::stored_values() const { return state_->stored(); }

}  // namespace kelpie::store
