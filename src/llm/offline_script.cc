#include "llm/offline_script.h"

#include <algorithm>
#include <charconv>

#include "llm/offline_text.h"

namespace kelpie::llm {
namespace {

constexpr size_t kNpos = std::string_view::npos;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

std::optional<int64_t> leading_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) {
    return std::nullopt;
  }
  return number;
}

// One pass over the text, from line to line and from word to word.
class ScriptParser {
 public:
  ScriptParser(std::string_view text, const std::vector<ToolSpec>& tools)
      : text_(text), lower_(ascii_lower(text)), tools_(tools) {}

  OfflineScript parse() {
    bool line_start = true;
    while (at_ < text_.size()) {
      if (line_start && take_line_directive()) {
        continue;
      }
      line_start = false;
      if (text_[at_] == '\n') {
        ++at_;
        line_start = true;
        previous_ = {};
      } else if (is_word_char(text_[at_])) {
        take_word();
      } else {
        ++at_;
      }
    }
    find_question();
    return std::move(script_);
  }

 private:
  std::string_view lower(size_t from, size_t length) const {
    return std::string_view(lower_).substr(from, length);
  }
  size_t line_end() const { return std::min(text_.find('\n', at_), text_.size()); }

  // `say ...` and `think ...` take their whole line, so that what they quote is not obeyed.
  bool take_line_directive() {
    const size_t end = line_end();
    const std::string_view line = trimmed(text_.substr(at_, end - at_));
    const std::string lowered = ascii_lower(line);
    const size_t say = lowered.starts_with("then say ") ? 9 : lowered.starts_with("say ") ? 4 : 0;
    if (say > 0) {
      std::string said = script_.say.value_or("");
      append_line(&said, line.substr(say));
      script_.say = std::move(said);
    } else if (lowered.starts_with("think ")) {
      append_line(&script_.reasoning, line.substr(6));
    } else if (lowered.starts_with("count to ") && leading_number(lowered.substr(9))) {
      script_.count_to = leading_number(lowered.substr(9));
    } else {
      return false;
    }
    at_ = std::min(end + 1, text_.size());
    return true;
  }

  static void append_line(std::string* into, std::string_view line) {
    if (!into->empty()) {
      into->push_back('\n');
    }
    into->append(trimmed(line));
  }

  std::string_view word_at(size_t from) const {
    size_t end = from;
    while (end < text_.size() && is_word_char(text_[end])) {
      ++end;
    }
    return text_.substr(from, end - from);
  }
  size_t skip(size_t from, std::string_view characters) const {
    return std::min(text_.find_first_not_of(characters, from), text_.size());
  }

  void take_word() {
    const std::string_view word = word_at(at_);
    const std::string_view lowered = lower(at_, word.size());
    const bool verb = lowered == "call" || lowered == "use";
    const bool keep = lowered == "calling" && previous_ == "keep";
    const std::string_view before = previous_;
    at_ += word.size();
    previous_ = lowered;
    if (verb || keep) {
      const bool opens = before.empty() || before == "then" || before == "please" || keep;
      take_call(keep               ? CallTurn::kEveryStep
                : before == "then" ? CallTurn::kNextStep
                                   : CallTurn::kTogether,
                opens ? Arguments::kOptional : Arguments::kRequired);
    }
  }

  // A tool that is named in the middle of a sentence is called only with arguments: prose may say
  // what a tool is for.
  enum class Arguments { kOptional, kRequired };

  // After the verb: a tool's name, perhaps `with`, perhaps a JSON object.
  void take_call(CallTurn turn, Arguments arguments) {
    const size_t name_at = skip(at_, " \t`'\"");
    std::string_view name = word_at(name_at);
    size_t after = name_at + name.size();
    while (name.ends_with('.')) {
      name.remove_suffix(1);
    }
    if (name.empty()) {
      return;
    }
    after = skip(after, " \t`'\":");
    if (lower(after, 4) == "with" && word_at(after).size() == 4) {
      after = skip(after + 4, " \t`:");
    }
    const bool has_arguments = after < text_.size() && text_[after] == '{';
    const bool known =
        std::ranges::any_of(tools_, [&](const ToolSpec& t) { return t.name == name; });
    if (!known) {
      if (has_arguments) {
        script_.unknown_tools.emplace_back(name);
      }
      return;
    }
    if (!has_arguments && arguments == Arguments::kRequired) {
      return;
    }
    ScriptedCall call{.name = std::string(name), .arguments = "{}", .turn = turn};
    at_ = name_at + name.size();
    if (has_arguments) {
      std::string_view json = balanced_object(text_.substr(after));
      if (json.empty()) {
        json = trimmed(text_.substr(after, text_.find('\n', after) - after));
      }
      call.arguments = std::string(json);
      at_ = after + json.size();
    }
    script_.calls.push_back(std::move(call));
    previous_ = {};
  }

  void find_question() {
    constexpr std::string_view kIsIn = "what is in ";
    if (lower_.find("what do you remember") != kNpos) {
      script_.question = OfflineQuestion::kAllMemory;
    } else if (lower_.find("your system prompt") != kNpos) {
      script_.question = OfflineQuestion::kSystemPrompt;
    } else if (const size_t at = lower_.find(kIsIn); at != kNpos) {
      const size_t from = at + kIsIn.size();
      const size_t end = std::min(text_.find_first_of("?\n", from), text_.size());
      script_.label = block_label(text_.substr(from, end - from));
      script_.question =
          script_.label.empty() ? OfflineQuestion::kNone : OfflineQuestion::kOneBlock;
    }
  }

  // `the "human" block` -> `human`.
  static std::string block_label(std::string_view text) {
    text = trimmed(text);
    for (const std::string_view word : {"the ", "your ", "my ", "memory ", "block "}) {
      if (ascii_lower(text.substr(0, word.size())) == word) {
        text.remove_prefix(word.size());
      }
    }
    for (const std::string_view word : {" block", " memory"}) {
      if (text.ends_with(word)) {
        text.remove_suffix(word.size());
      }
    }
    constexpr std::string_view kQuotes = "\"'`<>. \r";
    const size_t first = text.find_first_not_of(kQuotes);
    if (first == kNpos) {
      return "";
    }
    return std::string(text.substr(first, text.find_last_not_of(kQuotes) - first + 1));
  }

  std::string_view text_;
  std::string lower_;
  const std::vector<ToolSpec>& tools_;
  size_t at_ = 0;
  std::string_view previous_;  // the word before, in lower case; empty at the start of a line
  OfflineScript script_;
};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view piece : word_pieces(line)) {
    if (const std::string_view word = trimmed(piece); !word.empty()) {
      words.push_back(word);
    }
  }
  return words;
}

// The words after `fail with`. An unknown fault is none: the text is then just text.
FaultScript read_fault(const std::vector<std::string_view>& words) {
  FaultScript script;
  if (words.empty()) {
    return script;
  }
  const std::optional<int64_t> status = leading_number(words[0]);
  if (status && *status >= 400 && *status <= 599) {
    script.fault = OfflineFault::kStatus;
    script.status = static_cast<int>(*status);
  } else if (words[0] == "timeout") {
    script.fault = OfflineFault::kTimeout;
  } else if (words[0] == "malformed") {
    script.fault = OfflineFault::kMalformed;
  } else if (words[0] == "cut") {
    script.fault = OfflineFault::kCut;
  } else if (words[0] == "context") {
    script.fault = OfflineFault::kContext;
  }
  for (size_t i = 1; i < words.size(); ++i) {
    if (words[i] == "once") {
      script.times = 1;
    } else if (words[i] == "twice") {
      script.times = 2;
    } else if (words[i] == "retry-after" && i + 1 < words.size()) {
      script.retry_after_seconds = leading_number(words[i + 1]);
    }
  }
  return script;
}

}  // namespace

OfflineScript parse_script(std::string_view text, const std::vector<ToolSpec>& tools) {
  return ScriptParser(text, tools).parse();
}

FaultScript parse_fault(std::string_view text) {
  constexpr std::string_view kFail = "fail with ";
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line = ascii_lower(trimmed(text.substr(0, end)));
    if (line.starts_with(kFail)) {
      return read_fault(words_of(std::string_view(line).substr(kFail.size())));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

std::string_view last_user_text(const ChatRequest& request) {
  for (size_t i = request.messages.size(); i-- > 0;) {
    if (request.messages[i].role == Role::kUser) {
      return request.messages[i].content;
    }
  }
  return {};
}

}  // namespace kelpie::llm
