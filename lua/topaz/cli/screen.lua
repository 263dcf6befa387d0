--- Colours, and the whole screen for a while. Lines at its bottom are topaz.terminal's.
local core = require "topaz.core"
local guard = require "topaz.terminal.guard"
local stops = require "topaz.terminal.stops"
local terminal = require "topaz.terminal"
local anchored = require("topaz.terminal.text").anchored

local screen = {}

-- Numbers of the sequence that gives a text its colour (SGR): such as can be read on a light and on
-- a dark ground, which yellow cannot.
local GREEN, RED, MAGENTA, CYAN, BRIGHT, DIM = 32, 31, 35, 36, 1, 2
local COLOURS = {
   Completed = GREEN, Failed = RED, Cancelled = MAGENTA, Processing = CYAN, Pending = DIM, stalled = MAGENTA,
   head = BRIGHT, total = BRIGHT, dim = DIM,
}

--- What gives a text its colour: a function (word, text), where the word is a status, "head",
-- "dim", "total" or "stalled".
-- @param handle
-- @tparam table args with `no_color`
-- @tparam function getenv
-- @treturn function
function screen.painter(handle, args, getenv)
   if args.no_color or (getenv "NO_COLOR" or "") ~= "" or not terminal.is_terminal(handle) then
      return function(_, text) return text end
   end
   return function(word, text)
      local colour = COLOURS[word]
      return colour and ("\27[%dm%s\27[0m"):format(colour, text) or text
   end
end

-- ---- the whole screen ---------------------------------------------------------------------------

local TAKE, GIVE_BACK = "\27[?1049h\27[?25l\27[2J", "\27[?25h\27[?1049l"

local Screen = {}
Screen.__index = Screen

-- A process in the background stops at taking the keys, until it is in the foreground again.
local function take(self)
   if self.terminal:take_keys() then self.guard:changed() end
   io.stdout:write(TAKE)
   io.stdout:flush()
   self.columns = nil -- all is to be drawn
end

local function give_back(self)
   io.stdout:write(GIVE_BACK)
   io.stdout:flush()
   self.terminal:close()
end

--- Takes the whole screen: keys come one by one and unseen, what was there comes back with close(),
-- and while Ctrl-Z stops the process.
-- @return the screen
function screen.open()
   local self = setmetatable({ drawn = {}, stops = stops.hold(), terminal = core.terminal() }, Screen)
   self.guard = guard.open(io.stdout, GIVE_BACK, true)
   take(self)
   return self
end

--- Does what Ctrl-Z, `fg` and another size of the terminal ask for.
-- @treturn boolean whether the size is to be measured anew
function Screen:look()
   local what = self.stops:look(function() give_back(self) end)
   if what == "resumed" then
      self.terminal:close()
      take(self)
   end
   return what ~= nil
end

--- What was typed since, as the bytes that the terminal sent; does not wait.
function Screen:keys()
   local bytes = {}
   for byte in self.terminal.key, self.terminal do bytes[#bytes + 1] = byte end
   return table.concat(bytes)
end

--- Draws the lines from the top, those that have changed, in one write.
-- @tparam table list strings, at most as many as there are rows
-- @tparam integer width, height of the screen: when it is another one, all is drawn
function Screen:draw(list, width, height)
   local out = {}
   if width ~= self.columns or height ~= self.rows then
      self.columns, self.rows, self.drawn = width, height, {}
      out[1] = "\27[2J"
   end
   for i = 1, math.max(#list, #self.drawn) do
      local line = list[i] or ""
      if line ~= (self.drawn[i] or "") then out[#out + 1] = ("\27[%d;1H%s\27[K"):format(i, anchored(line)) end
   end
   self.drawn = list
   if #out == 0 then return end
   io.stdout:write(table.concat(out))
   io.stdout:flush()
end

--- Gives the terminal back as it was. May be called again.
function Screen:close()
   if self.closed then return end
   self.closed = true
   give_back(self)
   self.guard:close()
   self.stops:close()
end

Screen.__close = Screen.close

return screen
