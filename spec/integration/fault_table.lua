-- What each fault does to each operation: the outcome, and how many requests the server sees. Read by faults_spec.lua.
--
-- Every row: the fault as the emulator takes it, then for each of the operations
--   get    get_status          page   get_page        list   the iterator
--   delete delete_status       all    delete_all_statuses
-- an outcome, and the number of requests. Outcomes: "ok"; a kind of error; for deletions also "gone" (true, "already_gone"),
-- "count_unknown", and a kind with "/unknown" or "/unsent" for err.outcome. `times` is how often the fault strikes; the client
-- retries twice. "same" stands for what `get` has.
local ALWAYS = math.huge

local function row(name, fault, get, list, delete, all)
   return { name = name, fault = fault, get = get, page = list or get, list = list or get, delete = delete, all = all }
end

local rows = {
   -- statuses ----------------------------------------------------------------------------------------------------
   row("503 once", { status = 503, body = "" }, "ok 2", nil, "ok 2", "server_error/unknown 1"),
   row("503 for ever", { status = 503, body = "<h1>busy</h1>", times = ALWAYS }, "server_error 3", nil,
      "server_error/unknown 3", "server_error/unknown 1"),
   row("500 once", { status = 500, body = '{"message":"x"}' }, "ok 2", nil, "ok 2", "server_error/unknown 1"),
   row("502 once", { status = 502, body = "" }, "ok 2", nil, "ok 2", "server_error/unknown 1"),
   row("504 once", { status = 504, body = "" }, "ok 2", nil, "ok 2", "server_error/unknown 1"),
   row("501", { status = 501, body = "" }, "server_error 1", nil, "server_error/unknown 1", "server_error/unknown 1"),
   row("429 once", { status = 429, body = '{"message":"slow down"}' }, "ok 2", nil, "ok 2", "ok 2"),
   row("429 for ever", { status = 429, body = '{"message":"slow down"}', times = ALWAYS }, "rate_limited 3", nil,
      "rate_limited 3", "rate_limited 3"),
   row("429 with Retry-After: 0", { status = 429, body = "", headers = { ["Retry-After"] = "0" } }, "ok 2", nil, "ok 2", "ok 2"),
   row("429 with a Retry-After beyond all patience", { status = 429, body = "", headers = { ["Retry-After"] = "86400" } },
      "rate_limited 1", nil, "rate_limited 1", "rate_limited 1"),
   row("429 with Retry-After: soon", { status = 429, body = "", headers = { ["Retry-After"] = "soon" } }, "ok 2", nil, "ok 2", "ok 2"),
   row("429 with a past date", { status = 429, body = "", headers = { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:37 GMT" } },
      "ok 2", nil, "ok 2", "ok 2"),
   row("408 once", { status = 408, body = "" }, "ok 2", nil, "ok 2", "unexpected_status/unknown 1"),
   row("400", { status = 400, body = '{"message":"x"}' }, "bad_request 1", nil, "bad_request 1", "bad_request 1"),
   row("401", { status = 401, body = '{"message":"x"}' }, "unauthorized 1", nil, "unauthorized 1", "unauthorized 1"),
   row("403", { status = 403, body = '{"message":"x"}' }, "forbidden 1", nil, "forbidden 1", "forbidden 1"),
   row("404", { status = 404, body = '{"message":"x"}' }, "not_found 1", nil, "not_found 1", "not_found 1"),
   row("409", { status = 409, body = '{"message":"x"}' }, "conflict 1", nil, "conflict 1", "conflict 1"),
   row("418", { status = 418, body = "" }, "unexpected_status 1", nil, "unexpected_status 1", "unexpected_status 1"),
   row("a redirect to another host", { status = 302, redirect = "http://127.0.0.1:1/elsewhere" }, "unexpected_status 1", nil,
      "unexpected_status 1", "unexpected_status 1"),

   -- connections ---------------------------------------------------------------------------------------------------
   row("dropped before it took effect", { drop = "before" }, "ok 2", nil, "ok 2", "network/unknown 1"),
   row("dropped after it took effect", { drop = "after" }, "ok 2", nil, "gone 2", "network/unknown 1"),
   row("dropped for ever", { drop = "before", times = ALWAYS }, "network 3", nil, "network/unknown 3", "network/unknown 1"),
   row("reset", { reset = true }, "ok 2", nil, "ok 2", "network/unknown 1"),
   row("header cut", { cut_header = true }, "ok 2", nil, "ok 1", "count_unknown 1"),

   -- bodies ----------------------------------------------------------------------------------------------------------
   row("body cut, with length", { truncate = { at = 20, length = true } }, "ok 2", nil, nil, nil),
   row("body cut, without length", { truncate = { at = 20, length = false } }, "ok 2", nil, nil, nil),
   row("body cut, chunked", { truncate = { at = 20, chunked = true } }, "ok 2", nil, nil, nil),
   row("malformed chunk", { malformed_chunk = true }, "protocol 1", nil, nil, nil),
   row("200 with HTML", { status = 200, body = "<html>hello</html>", times = ALWAYS }, "protocol 1", nil, "ok 1", "count_unknown 1"),
   row("200 with nothing", { status = 200, body = "" }, "ok 2", nil, "ok 1", "count_unknown 1"),
   row("200 with another shape", { status = 200, body = '{"hello":"world"}', times = ALWAYS }, "protocol 1", nil, "ok 1", "count_unknown 1"),
   row("204 with nothing", { status = 204 }, "protocol 1", nil, "ok 1", "count_unknown 1"),
   row("202", { status = 202, body = "" }, nil, nil, "ok 1", "count_unknown 1"),
   row("slow drip", { drip = { bytes = 200, interval = 0.01 } }, "ok 1", nil, nil, nil),
   row("late", { delay = 0.1 }, "ok 1", nil, "ok 1", "ok 1"),
   row("later than an attempt may take", { delay = 0.9 }, "ok 2", nil, "ok 2", "timeout/unknown 1"),
}

return rows
