--- The words of the API and of the core that several modules act on.
local words = {}

--- Those that `status` of a job may be, in the order of a job's life. There may be others in later versions of the API.
words.statuses = { "Pending", "Processing", "Completed", "Failed", "Cancelled" }
--- Those of them that a job does not leave again.
words.finished = { "Completed", "Cancelled", "Failed" }
--- word → true for the same.
words.is_finished = {}
for _, word in ipairs(words.finished) do words.is_finished[word] = true end

--- Kind of error → true, when asking again later may well succeed.
words.is_passing = { network = true, timeout = true, rate_limited = true, server_error = true }

return words
