--- How the farm's plan keeps a status: its word, progress and estimate as one integer, since the
-- jobs may be many, and others'. Where they do not fit into it, as a table of just these.
local words = require "topaz.words"

-- Bits, from the lowest: 4 of the word, 7 of the progress, the others of the estimate in Unix
-- seconds. Of the last two 0 says that there is none, and values are one more.
local WORD_BITS, PROGRESS_BITS = 4, 7
local ETA_AT = WORD_BITS + PROGRESS_BITS
local WORD_MASK, PROGRESS_MASK = (1 << WORD_BITS) - 1, (1 << PROGRESS_BITS) - 1
local ETA_MOST = (1 << 40) - 1

local lean = {}

-- An integer from 0 on plus 1; 0: there is none; nil: it is something else.
local function counted(value, most)
   if value == nil then return 0 end
   return math.type(value) == "integer" and value >= 0 and value <= most and value + 1 or nil
end

local function number_or_nil(value) return type(value) == "number" and value or nil end

--- Its word.
function lean.word(kept)
   if type(kept) == "table" then return kept.status end
   return words.statuses[kept & WORD_MASK]
end

-- One of the two values that are one less than what stands there.
local function value_of(bits) return bits > 0 and bits - 1 or nil end

-- Its progress as it came; nil where it is not a number.
local function progress_of(kept)
   if type(kept) == "table" then return kept.progress end
   return value_of(kept >> WORD_BITS & PROGRESS_MASK)
end

--- Its progress, 0 to 100; 0 where it is not a number.
function lean.progress(kept)
   if type(kept) == "table" then return words.progress(kept) end
   return progress_of(kept) or 0
end

--- Its estimate; nil: it has none.
function lean.eta(kept)
   if type(kept) == "table" then return kept.eta end
   return value_of(kept >> ETA_AT)
end

--- What is kept of a status.
-- @tparam table status
-- @tparam[opt] integer|table before what was kept of the one before: given back where both say the
-- same; 42 and 42.0 do
-- @treturn integer|table
function lean.keep(status, before)
   local word, progress, eta = status.status, number_or_nil(status.progress), number_or_nil(status.eta)
   local number, percent, seconds = words.number_of[word], counted(progress, 100), counted(eta, ETA_MOST)
   local kept = number and percent and seconds and (seconds << ETA_AT | percent << WORD_BITS | number)
   if before and not (kept and type(before) == "number") and lean.word(before) == word
      and progress_of(before) == progress and lean.eta(before) == eta then
      return before
   end
   return kept or { process_id = status.process_id, status = word, progress = progress, eta = eta }
end

--- A status with what is kept of it.
function lean.shown(kept)
   if type(kept) == "table" then return kept end
   return { status = lean.word(kept), progress = progress_of(kept), eta = lean.eta(kept) }
end

return lean
