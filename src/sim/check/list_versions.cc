#include "sim/check/list_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/check.h"

namespace kelpie::sim {

size_t ListKey::elements(ByteView list) const {
  const auto at = std::ranges::upper_bound(ends, list.size());
  return static_cast<size_t>(at - ends.begin());
}

ListVersions::ListVersions(const std::vector<TransactionRecord>& transactions)
    : transactions_(transactions), committed_(transactions.size(), false) {
  collect_appends();
  if (malformed_) {
    return;
  }
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    if (transactions_[i].fate == Fate::kOk) {
      committed_[i] = true;
      waiting_.push_back(i);
    }
  }
  // What is read of an undecided transaction makes it committed, and then its reads count.
  for (size_t next = 0; next < waiting_.size(); ++next) {
    observe(waiting_[next]);
  }
  order();
  for (const auto& [key, of] : keys_) {
    check_order(key, of);
    check_reads(key, of);
  }
}

std::optional<Anomaly> ListVersions::anomaly() const {
  return anomalies_.empty() ? std::nullopt : std::optional(anomalies_.begin()->second);
}

void ListVersions::collect_appends() {
  for (uint32_t i = 0; i < transactions_.size(); ++i) {
    std::map<ByteView, uint32_t> appended;
    for (const TransactionStep& step : transactions_[i].steps) {
      if (const auto* read = std::get_if<ReadStep>(&step)) {
        keys_[read->key];
      } else if (const auto* range = std::get_if<RangeStep>(&step)) {
        for (const store::KeyValue& row : range->rows) {
          keys_[row.key];
        }
      } else if (const auto* append = std::get_if<AppendStep>(&step)) {
        ListKey& of = keys_[append->key];
        const ListAppend made = {i, appended[append->key]++, append->element};
        if (!of.appends.emplace(append->element, made).second) {
          malformed_ = fmt::format(
              "{} is appended to {} twice, the second time by {}: elements must be unique",
              show_bytes(append->element), show_bytes(append->key), who(i));
        }
        of.all.push_back(made);
      } else {
        malformed_ = fmt::format("only reads and appends can be judged: {}", who(i));
      }
    }
  }
}

void ListVersions::observe(uint32_t transaction) {
  own_.clear();
  for (const TransactionStep& step : transactions_[transaction].steps) {
    if (const auto* read = std::get_if<ReadStep>(&step)) {
      observe_point(transaction, *read);
    } else if (const auto* range = std::get_if<RangeStep>(&step)) {
      observe_range(transaction, *range);
    } else if (const auto* append = std::get_if<AppendStep>(&step)) {
      own_[append->key].appended += append->element;
      own_[append->key].appended += ',';
    }
  }
}

void ListVersions::observe_point(uint32_t transaction, const ReadStep& step) {
  const ByteView list = step.seen ? ByteView(*step.seen) : ByteView();
  add_read(step.key, {transaction, list, 0, step.isolation});
}

// A range read is a read of each key that it covers.
void ListVersions::observe_range(uint32_t transaction, const RangeStep& step) {
  const bool forward = step.order == store::Order::kForward;
  auto from = keys_.lower_bound(step.range.begin);
  auto to = keys_.lower_bound(step.range.end);
  if (step.more && forward) {
    to = keys_.upper_bound(step.rows.back().key);
  } else if (step.more) {
    from = keys_.lower_bound(step.rows.back().key);
  }
  std::map<ByteView, ByteView> rows;
  for (const store::KeyValue& row : step.rows) {
    rows.emplace(row.key, row.value);
  }
  for (; from != to; ++from) {
    const auto row = rows.find(from->first);
    const ByteView list = row == rows.end() ? ByteView() : row->second;
    add_read(from->first, {transaction, list, 0, step.isolation});
  }
}

void ListVersions::add_read(ByteView key, ListRead read) {
  if (!is_list(read.list)) {
    found(Rank::kNotAList, "not a list",
          fmt::format("{} holds {}: {}", show_bytes(key), show_bytes(read.list),
                      who(read.transaction)));
    return;
  }
  if (record(read.transaction).own_writes == store::ReadYourWrites::kOn) {
    read.own = own_[key].appended.size();
  }
  check_against_own(key, read);
  read.own = std::min(read.own, read.list.size());
  ListKey& of = keys_.at(key);
  const ByteView longest = of.longest.list;
  if (longest.starts_with(read.list)) {
    // It shows nothing new.
  } else if (read.list.starts_with(longest)) {
    learn_elements(key, of, read, longest.size(), of.in_longest);
    of.longest = read;
  } else {
    std::unordered_set<ByteView> known;
    learn_elements(key, of, read, 0, known);
    found(Rank::kIncompatible, "incompatible orders",
          fmt::format("of two lists of {} neither is the beginning of the other:\n  {}\n  {}",
                      show_bytes(key), who(of.longest.transaction), who(read.transaction)));
  }
  of.reads.push_back(read);
}

// All reads of a transaction are of one state, and of what it appended itself.
void ListVersions::check_against_own(ByteView key, const ListRead& read) {
  OwnState& own = own_[key];
  const ByteView appended = read.own > 0 ? ByteView(own.appended) : ByteView();
  if (!read.list.ends_with(appended)) {
    found(Rank::kInconsistent, "inconsistent reads in one transaction",
          fmt::format("{} was read without what the transaction had appended to it, {}: {}",
                      show_bytes(key), show_bytes(appended), who(read.transaction)));
    return;
  }
  const ByteView others = read.others();
  if (own.others && *own.others != others) {
    found(Rank::kInconsistent, "inconsistent reads in one transaction",
          fmt::format("of {} it saw first {} and then {} of others: {}", show_bytes(key),
                      show_bytes(*own.others), show_bytes(others), who(read.transaction)));
  }
  own.others = Bytes(others);
}

// Of the elements from byte `from` on; those before it are in `known`.
void ListVersions::learn_elements(ByteView key, const ListKey& of, const ListRead& read,
                                  size_t from, std::unordered_set<ByteView>& known) {
  for (size_t at = from; at < read.list.size();) {
    const size_t comma = read.list.find(',', at);
    const ByteView element = read.list.substr(at, comma - at);
    at = comma + 1;
    const std::string text = fmt::format("{} in {}", show_bytes(element), show_bytes(key));
    if (!known.insert(element).second) {
      found(Rank::kDuplicate, "duplicate element",
            fmt::format("{} stands there twice: {}", text, who(read.transaction)));
    }
    const auto append = of.appends.find(element);
    if (append == of.appends.end()) {
      found(Rank::kUnknownElement, "unknown element",
            fmt::format("nobody appended {}: {}", text, who(read.transaction)));
      continue;
    }
    const uint32_t writer = append->second.transaction;
    if (record(writer).fate == Fate::kFailed) {
      found(Rank::kAborted, "aborted read (G1a)",
            fmt::format("{} is of a transaction that failed:\n  writer {}\n  reader {}", text,
                        who(writer), who(read.transaction)));
    } else if (!committed_[writer]) {
      committed_[writer] = true;
      waiting_.push_back(writer);
    }
  }
}

void ListVersions::order() {
  for (auto& [key, of] : keys_) {
    const ByteView longest = of.longest.list;
    std::set<ByteView> observed;
    for (size_t at = 0; at < longest.size();) {
      const size_t comma = longest.find(',', at);
      const ByteView element = longest.substr(at, comma - at);
      at = comma + 1;
      const auto append = of.appends.find(element);
      if (append != of.appends.end()) {
        of.order.push_back(append->second);
        of.ends.push_back(at);
      }
      observed.insert(element);
    }
    for (const ListAppend& append : of.all) {
      if (committed_[append.transaction] && !observed.contains(append.element)) {
        of.unobserved.push_back(append);
      }
    }
  }
}

// A transaction's appends to a key come all, in its own order.
void ListVersions::check_order(ByteView key, const ListKey& of) {
  std::map<uint32_t, uint32_t> next;
  for (const ListAppend& append : of.order) {
    if (append.nth != next[append.transaction]++) {
      found(Rank::kTorn, "torn transaction",
            fmt::format("in {} {} stands without what the transaction appended before it, or in "
                        "another order:\n  writer {}\n  reader {}",
                        show_bytes(key), show_bytes(append.element), who(append.transaction),
                        who(of.longest.transaction)));
    }
  }
}

void ListVersions::check_reads(ByteView key, const ListKey& of) {
  std::map<uint32_t, uint32_t> last;
  for (const ListAppend& append : of.all) {
    last[append.transaction] = append.nth;
  }
  for (const ListRead& read : of.reads) {
    const size_t count = of.elements(read.others());
    if (count == 0) {
      continue;
    }
    const ListAppend& end = of.order[count - 1];
    if (end.transaction != read.transaction && end.nth != last[end.transaction]) {
      found(Rank::kIntermediate, "intermediate read (G1b)",
            fmt::format("{} was read behind {}, before its transaction had appended all:\n"
                        "  writer {}\n  reader {}",
                        show_bytes(key), show_bytes(end.element), who(end.transaction),
                        who(read.transaction)));
    }
  }
}

void ListVersions::found(Rank rank, std::string name, std::string explanation) {
  anomalies_.try_emplace(rank, Anomaly{std::move(name), std::move(explanation)});
}

std::string ListVersions::who(uint32_t transaction) const {
  return transactions_[transaction].to_string();
}

}  // namespace kelpie::sim
