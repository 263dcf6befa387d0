--- The words of the API and of the core that several modules act on, and how members of a status
-- are looked at.
local words = {}

--- What `status` of a job may be, in the order of a job's life. Later versions of the API may have
-- others.
words.statuses = { "Pending", "Processing" }
--- Those of them that a job does not leave again.
words.finished = { "Completed", "Cancelled", "Failed" }
--- word → true for the same.
words.is_finished = {}
for _, word in ipairs(words.finished) do
   table.insert(words.statuses, word)
   words.is_finished[word] = true
end
--- word → its place in words.statuses.
words.number_of = {}
for number, word in ipairs(words.statuses) do words.number_of[word] = number end

--- Kind of error → true, when asking again later may well succeed.
words.is_passing = { network = true, timeout = true, rate_limited = true, server_error = true }
--- Kind of error → true, when every other call of the client would fail as this one did.
words.is_fatal = { unauthorized = true, forbidden = true, tls = true, cancelled = true, closed = true }

--- Whether a failure of a watcher's request may pass, so that the watching goes on. A page to which
-- a cursor leads may always fail, unless every other request would meet the same: the server may
-- have forgotten the cursor (400, 404, 410).
-- @tparam table err the error object
-- @tparam[opt] string cursor of the page that was asked for
function words.may_pass(err, cursor)
   return words.is_passing[err.kind] or cursor ~= nil and not words.is_fatal[err.kind]
end

-- Whether two values of a member, from two responses, are the same to a reader. Members may be of
-- any type; arrays and objects, which are new tables in each response, count as the same.
local function same(a, b) return a == b or type(a) == "table" and type(b) == "table" end

--- Whether a status tells a reader something new: its word or its progress is another one.
-- @tparam table status
-- @tparam[opt] table previous the status before it
function words.changed(status, previous)
   return not previous or status.status ~= previous.status or not same(status.progress, previous.progress)
end

--- The progress of a status, 0 to 100; 0 where it is not a number.
function words.progress(status)
   local progress = status.progress
   return type(progress) == "number" and math.min(math.max(progress, 0), 100) or 0
end

return words
