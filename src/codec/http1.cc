#include "codec/http1.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>

#include "base/check.h"
#include "codec/http1_text.h"

namespace kelpie::codec {
namespace {

namespace http = boost::beast::http;

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

// What Beast's grammar makes of one whole head. Bodies never reach it.
template <bool is_request>
class HeadGrammar final : public http::basic_parser<is_request> {
 public:
  std::string method;
  std::string target;
  int status = 0;
  int version = 11;
  HttpHeaders headers;

 private:
  using Error = boost::beast::error_code;
  void on_request_impl(http::verb, boost::beast::string_view method_text,
                       boost::beast::string_view target_text, int version_number, Error&) override {
    method = view(method_text);
    target = view(target_text);
    version = version_number;
  }
  void on_response_impl(int code, boost::beast::string_view, int version_number, Error&) override {
    status = code;
    version = version_number;
  }
  void on_field_impl(http::field, boost::beast::string_view name, boost::beast::string_view value,
                     Error&) override {
    headers.emplace_back(lower_case(view(name)), view(value));
  }
  void on_header_impl(Error&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
  std::size_t on_body_impl(boost::beast::string_view, Error&) override { return 0; }
  void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, Error&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, Error&) override {
    return 0;
  }
  void on_finish_impl(Error&) override {}
};

// Does the start line end like one of HTTP, whatever the version?
bool names_a_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find('\r'));
  const size_t space = line.rfind(' ');
  return space != std::string_view::npos && line.substr(space + 1).starts_with("HTTP/");
}

template <bool is_request>
std::optional<HttpFailure> parse_head(HeadGrammar<is_request>& grammar, const std::string& head) {
  grammar.body_limit(boost::none);
  grammar.header_limit(std::numeric_limits<std::uint32_t>::max());
  boost::beast::error_code error;
  const size_t used = grammar.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error == http::error::bad_version && is_request && names_a_version(head)) {
    return HttpFailure{505, "expected HTTP/1.1 or HTTP/1.0"};
  }
  if (error) {
    return HttpFailure{400, "malformed HTTP header: " + error.message()};
  }
  if (used != head.size() || !grammar.is_header_done()) {
    return HttpFailure{400, "malformed HTTP header: it does not end where its empty line is"};
  }
  return std::nullopt;
}

size_t count_headers(const HttpHeaders& headers, std::string_view name) {
  return static_cast<size_t>(
      std::ranges::count_if(headers, [&](const auto& header) { return header.first == name; }));
}

const std::string* find(const HttpHeaders& headers, std::string_view name) {
  const auto found =
      std::ranges::find_if(headers, [&](const auto& header) { return header.first == name; });
  return found == headers.end() ? nullptr : &found->second;
}

// RFC 9112, section 6.3, without its leniency: what another hop could read differently is refused,
// because a request hidden behind such a body would reach us unseen by the hop.
template <bool is_request>
std::optional<HttpFailure> find_framing(const HeadGrammar<is_request>& grammar,
                                        BodyFraming& framing) {
  const std::string* coding = find(grammar.headers, "transfer-encoding");
  const boost::optional<std::uint64_t> length = grammar.content_length();
  if (coding != nullptr) {
    if (find(grammar.headers, "content-length") != nullptr) {
      return HttpFailure{400, "expected content-length or transfer-encoding, got both"};
    }
    if (count_headers(grammar.headers, "transfer-encoding") != 1 ||
        lower_case(*coding) != "chunked") {
      return HttpFailure{501, "expected no transfer coding but chunked"};
    }
    if (grammar.version < 11) {
      return HttpFailure{400, "expected no transfer-encoding in HTTP/1.0"};
    }
    framing.kind = BodyFraming::Kind::kChunked;
  } else if (length.has_value()) {
    framing.kind = BodyFraming::Kind::kLength;
    framing.length = *length;
  } else {
    framing.kind = is_request ? BodyFraming::Kind::kNone : BodyFraming::Kind::kUntilEnd;
  }
  return std::nullopt;
}

template <bool is_request>
bool wants_keep_alive(const HeadGrammar<is_request>& grammar) {
  bool keep_alive = grammar.version >= 11;
  for (const auto& [name, value] : grammar.headers) {
    if (name == "connection") {
      keep_alive = (keep_alive || has_token(value, "keep-alive")) && !has_token(value, "close");
    }
  }
  return keep_alive;
}

// origin-form, and absolute-form as clients send it to proxies (RFC 9112, section 3.2).
bool split_target(std::string_view target, RequestHead& head) {
  const std::string start = lower_case(target.substr(0, 8));
  if (start.starts_with("http://") || start.starts_with("https://")) {
    target.remove_prefix(target.find("://") + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
  } else if (!target.starts_with('/')) {
    return false;
  }
  const size_t question = std::min(target.find('?'), target.size());
  head.path = target.substr(0, question);
  head.query = target.substr(std::min(question + 1, target.size()));
  if (head.path.empty()) {
    head.path = "/";
  }
  return true;
}

std::optional<HttpFailure> read_request_head(const std::string& text, RequestHead& head) {
  HeadGrammar<true> grammar;
  if (auto failure = parse_head(grammar, text)) {
    return failure;
  }
  if (auto failure = find_framing(grammar, head.framing)) {
    return failure;
  }
  if (!split_target(grammar.target, head)) {
    return HttpFailure{400, "expected a target that starts with '/'"};
  }
  const size_t hosts = count_headers(grammar.headers, "host");
  if (hosts > 1 || (hosts == 0 && grammar.version >= 11)) {
    return HttpFailure{400, "expected one host header"};
  }
  const std::string* expect = find(grammar.headers, "expect");
  if (expect != nullptr) {
    if (lower_case(*expect) != "100-continue") {
      return HttpFailure{417, "expected no expectation but 100-continue"};
    }
    head.expects_continue = grammar.version >= 11;
  }
  head.keep_alive = wants_keep_alive(grammar);
  head.version_minor = grammar.version - 10;
  head.method = std::move(grammar.method);
  head.headers = std::move(grammar.headers);
  return std::nullopt;
}

std::optional<HttpFailure> read_response_head(const std::string& text, ResponseTo request,
                                              ResponseHead& head) {
  HeadGrammar<false> grammar;
  if (auto failure = parse_head(grammar, text)) {
    return failure;
  }
  head.status = grammar.status;
  if (head.status < 100) {
    return HttpFailure{400, "expected a status of three digits"};
  }
  const bool bodiless = head.status / 100 == 1 || head.status == 204 || head.status == 304;
  if (!bodiless && request != ResponseTo::kHead) {
    if (auto failure = find_framing(grammar, head.framing)) {
      return failure;
    }
  }
  head.keep_alive = wants_keep_alive(grammar) && head.framing.kind != BodyFraming::Kind::kUntilEnd;
  head.version_minor = grammar.version - 10;
  head.headers = std::move(grammar.headers);
  return std::nullopt;
}

}  // namespace

RequestParser::RequestParser(RequestLimits limits)
    : limits_(limits), collector_(limits.header_bytes_max) {}

size_t RequestParser::feed_head(ByteView bytes) {
  if (failure_.has_value() || head_done_) {
    return 0;
  }
  const size_t used = collector_.feed(bytes);
  failure_ = collector_.failure();
  if (failure_.has_value() || !collector_.done()) {
    return used;
  }
  failure_ = read_request_head(collector_.head(), head_);
  if (!failure_.has_value() && head_.framing.length > limits_.body_bytes_max) {
    failure_ =
        HttpFailure{413, "expected a body of at most " + std::to_string(limits_.body_bytes_max) +
                             " bytes, got " + std::to_string(head_.framing.length)};
  }
  if (!failure_.has_value()) {
    head_done_ = true;
    body_ = BodyDecoder(head_.framing, limits_.header_bytes_max);
  }
  return used;
}

size_t RequestParser::feed(ByteView bytes) {
  size_t used = feed_head(bytes);
  if (failure_.has_value() || !head_done_) {
    return used;
  }
  // Pieces, so that a chunked body that is too large is noticed before it is stored.
  while (used < bytes.size() && !body_.done()) {
    const size_t room = limits_.body_bytes_max - body_bytes_.size();
    used += body_.feed(bytes.substr(used, room + 1), body_bytes_);
    if (body_.failure().has_value()) {
      failure_ = body_.failure();
      return used;
    }
    if (body_bytes_.size() > limits_.body_bytes_max) {
      failure_ = HttpFailure{
          413, "expected a body of at most " + std::to_string(limits_.body_bytes_max) + " bytes"};
      return used;
    }
  }
  return used;
}

ResponseParser::ResponseParser(ResponseTo request, size_t header_bytes_max)
    : request_(request), header_bytes_max_(header_bytes_max), collector_(header_bytes_max) {}

size_t ResponseParser::feed(ByteView bytes) {
  // A peer that never gets past informational responses is not worth waiting for.
  constexpr int kInformationalMax = 16;
  size_t used = 0;
  while (!head_done_ && !failure_.has_value() && used < bytes.size()) {
    used += collector_.feed(bytes.substr(used));
    seen_ = seen_ || collector_.started();
    failure_ = collector_.failure();
    if (failure_.has_value() || !collector_.done()) {
      return used;
    }
    head_ = ResponseHead();
    failure_ = read_response_head(collector_.head(), request_, head_);
    if (failure_.has_value()) {
      return used;
    }
    collector_ = HeadCollector(header_bytes_max_);
    if (head_.status / 100 != 1) {
      head_done_ = true;
      body_ = BodyDecoder(head_.framing, header_bytes_max_);
    } else if (head_.status == 101 || ++informational_ > kInformationalMax) {
      failure_ = HttpFailure{501, "expected a final response, got informational ones"};
    }
  }
  if (head_done_ && !failure_.has_value()) {
    used += body_.feed(bytes.substr(used), body_bytes_);
    failure_ = body_.failure();
  }
  return used;
}

Result<void> ResponseParser::finish() {
  if (!head_done_ || failure_.has_value() || !body_.finish()) {
    return base::unavailable("the peer ended the connection within its response");
  }
  return kOk;
}

}  // namespace kelpie::codec
