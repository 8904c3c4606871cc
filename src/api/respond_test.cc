#include "api/respond.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/json.h"

namespace kelpie::api {
namespace {

std::string header(const net::Response& response, std::string_view name) {
  const std::string* value = net::find_header(response.headers, name);
  return value == nullptr ? "" : *value;
}

TEST(Respond, EveryCodeHasItsStatusAndItsHeaders) {
  struct Row {
    Code code;
    int status;
    std::string detail, retry_after, should_retry;
  };
  const std::vector<Row> rows = {
      {Code::kCancelled, 503, "the server is stopping: x", "", ""},
      {Code::kUnknown, 503, "the outcome is not known, it may have happened: x", "", "false"},
      {Code::kInvalidArgument, 400, "INVALID_ARGUMENT: x", "", ""},
      {Code::kDeadlineExceeded, 504, "x", "", ""},
      {Code::kNotFound, 404, "x", "", ""},
      {Code::kAlreadyExists, 409, "CONFLICT: x", "", ""},
      {Code::kPermissionDenied, 403, "x", "", ""},
      {Code::kResourceExhausted, 503, "overloaded: x", "1", ""},
      {Code::kFailedPrecondition, 409, "CONFLICT: x", "", ""},
      {Code::kAborted, 409, "CONFLICT: x", "1", ""},
      {Code::kOutOfRange, 422, "x", "", ""},
      {Code::kUnimplemented, 501, "x", "", ""},
      {Code::kInternal, 500, "internal error: x", "", ""},
      {Code::kUnavailable, 503, "unavailable: x", "", ""},
      {Code::kDataLoss, 500, "stored data is damaged: x", "", ""},
      {Code::kUnauthenticated, 401, "x", "", ""},
  };
  // One row for each code there is.
  ASSERT_EQ(rows.size(), static_cast<size_t>(Code::kUnauthenticated) + 1);
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(static_cast<size_t>(rows[i].code), i);
    const net::Response response = error_response(Error{rows[i].code, "x"});
    const std::string name(base::code_name(rows[i].code));
    EXPECT_EQ(response.status, rows[i].status) << name;
    EXPECT_EQ(header(response, "content-type"), "application/json") << name;
    EXPECT_EQ(header(response, "retry-after"), rows[i].retry_after) << name;
    EXPECT_EQ(header(response, "x-should-retry"), rows[i].should_retry) << name;
    const auto body = codec::parse_json(response.body);
    ASSERT_TRUE(body.ok()) << response.body;
    EXPECT_EQ(body->at("detail").as_string(), rows[i].detail) << name;
  }
}

TEST(Respond, AFailedValidationHasTheShapeThatClientsKnow) {
  EXPECT_EQ(validation_response("body.name: no").body,
            R"({"trace_id":"","detail":"body.name: no","examples":[]})");
  EXPECT_EQ(error_response(base::out_of_range("no")).body, validation_response("no").body);
}

TEST(Respond, ADetailIsValidJsonWhateverItQuotes) {
  for (const char* quoted : {"\xff\xfe", "cut \xe2\x82", "\"\\\n\x01", "caf\xc3\xa9"}) {
    for (const net::Response& response :
         {detail_response(404, quoted), validation_response(quoted),
          error_response(base::internal(quoted)), error_response(base::out_of_range(quoted))}) {
      EXPECT_TRUE(codec::parse_json(response.body).ok()) << response.body;
    }
  }
  EXPECT_EQ(detail_response(404, "caf\xc3\xa9").body, "{\"detail\":\"caf\xc3\xa9\"}");
  EXPECT_EQ(detail_response(404, "a\xff").body, R"({"detail":"a?"})");
}

TEST(Respond, AFailedRunHasTheStatusOfItsTypeAndIsNotToBeSentAgain) {
  struct Row {
    std::string_view type;
    int status;
  };
  for (const Row& row : std::vector<Row>{{"llm_timeout", 504},
                                         {"llm_rate_limit", 429},
                                         {"llm_authentication", 401},
                                         {"llm_bad_request", 400},
                                         {"context_window_overflow_in_system_prompt", 400},
                                         {"llm_empty_response", 500},
                                         {"llm_error", 500},
                                         {"", 500}}) {
    const net::Response response = model_error_response(row.type, "went wrong");
    EXPECT_EQ(response.status, row.status) << row.type;
    EXPECT_EQ(header(response, "x-should-retry"), "false");
    const auto body = codec::parse_json(response.body).value();
    EXPECT_EQ(body.at("error").at("type").as_string(), row.type);
    EXPECT_EQ(body.at("error").at("message").as_string(), "went wrong");
    EXPECT_EQ(body.at("error").at("detail").as_string(), "went wrong");
  }
}

}  // namespace
}  // namespace kelpie::api
