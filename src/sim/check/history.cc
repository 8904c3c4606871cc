#include "sim/check/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kelpie::sim {
namespace {

constexpr size_t kShownBytesMax = 120;

std::string_view fate_name(Fate fate) {
  switch (fate) {
    case Fate::kUnknown:
      return "unknown";
    case Fate::kOk:
      return "ok";
    case Fate::kFailed:
      return "failed";
  }
  return "?";
}

std::string_view kind_name(ObjectOpKind kind) {
  switch (kind) {
    case ObjectOpKind::kRead:
      return "read";
    case ObjectOpKind::kWrite:
      return "write";
    case ObjectOpKind::kCompareAndSet:
      return "compare-and-set";
    case ObjectOpKind::kAppend:
      return "append";
    case ObjectOpKind::kAdd:
      return "add";
  }
  return "?";
}

std::string_view suffix(store::Isolation isolation) {
  return isolation == store::Isolation::kSnapshot ? " (snapshot)" : "";
}

std::string show_range(const store::KeyRange& range) {
  return fmt::format("[{}, {})", show_bytes(range.begin), show_bytes(range.end));
}

struct ShowStep {
  std::string operator()(const ReadStep& step) const {
    return fmt::format("read {} = {}{}", show_bytes(step.key), show_value(step.seen),
                       suffix(step.isolation));
  }
  std::string operator()(const RangeStep& step) const {
    std::string text = fmt::format("range {}{} = {{", show_range(step.range),
                                   step.order == store::Order::kReverse ? " backwards" : "");
    for (size_t i = 0; i < step.rows.size(); ++i) {
      text += fmt::format("{}{}: {}", i == 0 ? "" : ", ", show_bytes(step.rows[i].key),
                          show_bytes(step.rows[i].value));
    }
    return text + (step.more ? ", more}" : "}") + std::string(suffix(step.isolation));
  }
  std::string operator()(const SetStep& step) const {
    return fmt::format("set {} {}", show_bytes(step.key), show_bytes(step.value));
  }
  std::string operator()(const ClearStep& step) const {
    return fmt::format("clear {}", show_range(step.range));
  }
  std::string operator()(const AtomicStep& step) const {
    return fmt::format("atomic {} {} {}", static_cast<int>(step.op), show_bytes(step.key),
                       show_bytes(step.operand));
  }
  std::string operator()(const AppendStep& step) const {
    return fmt::format("append {} {}", show_bytes(step.key), show_bytes(step.element));
  }
};

struct FindMalformed {
  std::optional<std::string> operator()(const ReadStep&) const { return std::nullopt; }
  std::optional<std::string> operator()(const SetStep&) const { return std::nullopt; }
  std::optional<std::string> operator()(const AtomicStep&) const { return std::nullopt; }
  std::optional<std::string> operator()(const ClearStep& step) const {
    if (step.range.end < step.range.begin) {
      return "the range ends before it begins: " + show_range(step.range);
    }
    return std::nullopt;
  }
  std::optional<std::string> operator()(const AppendStep& step) const {
    if (!is_list_element(step.element)) {
      return fmt::format("{} is not an element: it must not be empty nor hold a comma",
                         show_bytes(step.element));
    }
    return std::nullopt;
  }
  std::optional<std::string> operator()(const RangeStep& step) const {
    if (step.range.end < step.range.begin) {
      return "the range ends before it begins: " + show_range(step.range);
    }
    if (step.more && step.rows.empty()) {
      return "a range read without rows claims that more follow: where it stopped is not known";
    }
    for (size_t i = 0; i < step.rows.size(); ++i) {
      if (!step.range.contains(step.rows[i].key)) {
        return fmt::format("row {} is outside of {}", show_bytes(step.rows[i].key),
                           show_range(step.range));
      }
      const bool forward = step.order == store::Order::kForward;
      if (i > 0 && (forward ? step.rows[i].key <= step.rows[i - 1].key
                            : step.rows[i].key >= step.rows[i - 1].key)) {
        return fmt::format("row {} is out of order", show_bytes(step.rows[i].key));
      }
    }
    return std::nullopt;
  }
};

std::optional<std::string> malformed_times(int64_t called_ns, int64_t returned_ns, Fate fate) {
  if (returned_ns < called_ns) {
    return fmt::format("returned at {} before it was called at {}", show_time(returned_ns),
                       show_time(called_ns));
  }
  if (called_ns == kNever) {
    return "it was never called";
  }
  if (fate != Fate::kUnknown && returned_ns == kNever) {
    return fmt::format("its fate is {} but it never returned", fate_name(fate));
  }
  return std::nullopt;
}

}  // namespace

bool TransactionRecord::writes() const {
  return std::ranges::any_of(steps, [](const TransactionStep& step) {
    return !std::holds_alternative<ReadStep>(step) && !std::holds_alternative<RangeStep>(step);
  });
}

std::string TransactionRecord::to_string() const {
  std::string text = fmt::format("{} of {} called {} returned {} {}", id, client,
                                 show_time(called_ns), show_time(returned_ns), fate_name(fate));
  if (read_version) {
    text += fmt::format(" read-version {}", read_version->get());
  }
  if (commit_version) {
    text += fmt::format(" commit-version {}", commit_version->get());
  }
  if (order) {
    text += fmt::format(" order {}", *order);
  }
  if (epoch) {
    text += fmt::format(" epoch {}", *epoch);
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    text += (i == 0 ? ": " : "; ") + std::visit(ShowStep{}, steps[i]);
  }
  return text;
}

std::string ObjectOp::to_string() const {
  std::string text = fmt::format("{} {} {}", client, kind_name(kind), object);
  if (kind == ObjectOpKind::kCompareAndSet) {
    text += fmt::format(" from {} to {}", show_value(expected), show_bytes(argument));
  } else if (kind != ObjectOpKind::kRead) {
    text += " " + show_bytes(argument);
  }
  if (fate == Fate::kOk) {
    if (kind == ObjectOpKind::kCompareAndSet && swap == Swap::kRefused) {
      text += " refused";
    }
    if (kind == ObjectOpKind::kRead || seen) {
      text += " = " + show_value(seen);
    }
  }
  text += fmt::format(" called {} returned {} {}", show_time(called_ns), show_time(returned_ns),
                      fate_name(fate));
  return epoch ? text + fmt::format(" epoch {}", *epoch) : text;
}

Bytes encode_list(const std::vector<Bytes>& elements) {
  Bytes bytes;
  for (const Bytes& element : elements) {
    bytes += element;
    bytes += ',';
  }
  return bytes;
}

std::optional<std::vector<Bytes>> decode_list(ByteView bytes) {
  if (!is_list(bytes)) {
    return std::nullopt;
  }
  std::vector<Bytes> elements;
  while (!bytes.empty()) {
    const size_t comma = bytes.find(',');
    elements.emplace_back(bytes.substr(0, comma));
    bytes.remove_prefix(comma + 1);
  }
  return elements;
}

bool is_list(ByteView bytes) {
  return bytes.empty() ||
         (bytes.front() != ',' && bytes.back() == ',' && bytes.find(",,") == ByteView::npos);
}

bool is_list_element(ByteView element) {
  return !element.empty() && element.find(',') == ByteView::npos;
}

std::string_view verdict_name(HistoryVerdict verdict) {
  switch (verdict) {
    case HistoryVerdict::kHolds:
      return "holds";
    case HistoryVerdict::kViolation:
      return "violation";
    case HistoryVerdict::kUndecided:
      return "undecided";
    case HistoryVerdict::kMalformed:
      return "malformed";
  }
  return "?";
}

std::string CheckResult::to_string() const {
  std::string text(verdict_name(verdict));
  if (!anomaly.empty()) {
    text += ": " + anomaly;
  }
  return explanation.empty() ? text : text + ": " + explanation;
}

CheckResult malformed_history(std::string explanation) {
  return {HistoryVerdict::kMalformed, "malformed history", std::move(explanation), 0};
}

std::optional<std::string> find_malformed(const std::vector<TransactionRecord>& transactions) {
  std::set<std::string_view> ids;
  for (const TransactionRecord& transaction : transactions) {
    std::optional<std::string> problem;
    if (transaction.id.empty()) {
      problem = "it has no id";
    } else if (!ids.insert(transaction.id).second) {
      problem = "its id is not unique";
    } else {
      problem = malformed_times(transaction.called_ns, transaction.returned_ns, transaction.fate);
    }
    for (const TransactionStep& step : transaction.steps) {
      if (!problem) {
        problem = std::visit(FindMalformed{}, step);
      }
    }
    if (problem) {
      return fmt::format("{}: {}", *problem, transaction.to_string());
    }
  }
  return std::nullopt;
}

std::optional<std::string> find_malformed(const std::vector<ObjectOp>& operations) {
  for (const ObjectOp& op : operations) {
    if (const auto problem = malformed_times(op.called_ns, op.returned_ns, op.fate)) {
      return fmt::format("{}: {}", *problem, op.to_string());
    }
  }
  return std::nullopt;
}

std::string show_bytes(ByteView bytes) {
  std::string text = "\"";
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes.size() > kShownBytesMax && i == kShownBytesMax / 2) {
      const size_t left_out = bytes.size() - kShownBytesMax;
      text += fmt::format("\" ... {} bytes ... \"", left_out);
      i += left_out;
    }
    const char c = bytes[i];
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (c >= ' ' && c <= '~') {
      text += c;
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text + '"';
}

std::string show_value(const std::optional<Bytes>& value) {
  return value ? show_bytes(*value) : "absent";
}

std::string show_time(int64_t at_ns) {
  if (at_ns == kNever) {
    return "never";
  }
  if (at_ns < 0) {
    return fmt::format("{} ns", at_ns);
  }
  return fmt::format("{}.{:09}", at_ns / 1'000'000'000, at_ns % 1'000'000'000);
}

}  // namespace kelpie::sim
