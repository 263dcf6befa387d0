-- What the specs of csrc/json share: reading a text cut into pieces in any way,
-- with the same outcome expected each time.

local assert = require "luassert"
local room = require "json_room"

local support = {}

--- Where a text may be cut: calls `check(pieces, how)` for the whole, single bytes,
-- and each cut in two.
-- @tparam string text
-- @tparam function check
function support.each_way(text, check)
   check({ text }, "whole")
   check(support.pieces(text, math.random, 1), "byte by byte")
   for i = 1, #text - 1 do
      check({ text:sub(1, i), text:sub(i + 1) }, "cut behind byte " .. i)
   end
end

--- Feeds the pieces, pulling after each, and finishes.
-- @tparam table pieces strings
-- @tparam function pull takes a reader, returns a result and perhaps a value;
-- is called again while the result is "more"
-- @treturn table { result =, value =, what =, member =, offset = }
function support.read(pieces, pull)
   local reader = room.reader()
   local outcome = { result = "more" }
   for _, piece in ipairs(pieces) do
      assert(reader:feed(piece))
      if outcome.result == "more" then outcome.result, outcome.value = pull(reader) end
   end
   reader:finish()
   if outcome.result == "more" then outcome.result, outcome.value = pull(reader) end
   outcome.what, outcome.member, outcome.offset = reader:error()
   if not outcome.what then outcome.offset = nil end
   return outcome
end

--- A pull function for one document: a value, by `how` ("value", "skip", or a shape for "record"),
-- and the end of the text.
function support.document(how)
   local value, has_value
   return function(reader)
      if not has_value then
         local result
         if type(how) == "string" then
            result, value = reader[how](reader)
         else
            result, value = reader:record(how)
         end
         if result ~= "ok" then return result end
         has_value = true
      end
      local result = reader:finished()
      if result ~= "ok" then return result end
      return result, value
   end
end

--- Reads a document in every way there is to cut it, and sees that the outcome is always the same.
-- @tparam string text
-- @tparam[opt="value"] string|function how as in `document`;
-- a function gives it anew for each reading
-- @treturn table the outcome
function support.everywhere(text, how)
   local first
   support.each_way(text, function(pieces, cut)
      local this = type(how) == "function" and how() or how or "value"
      local outcome = support.read(pieces, support.document(this))
      if not first then first = outcome end
      assert.same(first, outcome, cut .. ": " .. text)
   end)
   return first
end

--- Reads a whole text at once.
function support.whole(text, how)
   return support.read({ text }, support.document(how or "value"))
end

--- Returns a reader that was fed with a text.
function support.reader_of(text)
   local reader = room.reader()
   reader:feed(text)
   return reader
end

--- Cuts a text into pieces of random lengths of at most `longest` bytes.
function support.pieces(text, random, longest)
   local pieces, from = {}, 1
   while from <= #text do
      local to = from + random(longest) - 1
      pieces[#pieces + 1] = text:sub(from, to)
      from = to + 1
   end
   return pieces
end

return support
