--- The terminal: what it can do, colours, and the whole screen for a while.
local guard = require "topaz.terminal_guard"
local lines = require "topaz.progress_terminal"

local terminal = {}

terminal.size, terminal.is_ascii, terminal.lines = lines.size, lines.is_ascii, lines.open

-- The whole of lua-term that a command line needs; it is a dependency of the rock, not of the library.
local term = require "term"

--- Whether a handle writes to a terminal that understands the usual sequences.
-- @param handle io.stdout or io.stderr
-- @treturn boolean
function terminal.is_terminal(handle) return term.isatty(handle) and (os.getenv "TERM" or "dumb") ~= "dumb" end

local COLOURS = {
   Completed = "green", Failed = "red", Cancelled = "yellow", Processing = "cyan", Pending = "dim", stalled = "yellow", head = "bright",
   total = "bright", dim = "dim",
}

--- What gives a text its colour: a function (word, text), where the word is a status, "head", "dim", "total" or "stalled".
-- @param handle
-- @tparam table args with `no_color`
-- @tparam function getenv
-- @treturn function
function terminal.painter(handle, args, getenv)
   if args.no_color or (getenv "NO_COLOR" or "") ~= "" or not terminal.is_terminal(handle) then
      return function(_, text) return text end
   end
   return function(word, text)
      local colour = COLOURS[word]
      return colour and term.colors[colour](text) or text
   end
end

-- ---- the whole screen ----------------------------------------------------------------------------------------------

local TAKE, GIVE_BACK = "\27[?1049h\27[?25l\27[2J", "\27[?25h\27[?1049l"

local Screen = {}
Screen.__index = Screen

local function stty(arguments)
   local pipe = io.popen("{ stty " .. arguments .. " </dev/tty; } 2>/dev/null")
   local said = pipe:read "a":match "^%S*"
   pipe:close()
   return said
end

--- Takes the whole screen: keys come one by one and unseen, what was there comes back with close(). Ctrl-Z is off meanwhile, since the
-- shell would be left with this screen.
-- @return the screen
function terminal.screen()
   local self = setmetatable({ drawn = {} }, Screen)
   self.saved = stty "-g"
   self.keys = self.saved ~= "" and io.open("/dev/tty", "r") or nil
   self.guard = guard.open(io.stdout, GIVE_BACK, self.keys and self.saved)
   if self.keys then
      self.keys:setvbuf "no"
      self.guard:changed(stty "-icanon -echo min 0 time 0 susp undef </dev/tty; stty -g")
   end
   io.stdout:write(TAKE)
   io.stdout:flush()
   return self
end

--- The key that was pressed, or nil; does not wait.
function Screen:key()
   local key = self.keys and self.keys:read(1)
   return key ~= "" and key or nil
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
      if line ~= (self.drawn[i] or "") then out[#out + 1] = ("\27[%d;1H%s\27[K"):format(i, line) end
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
   io.stdout:write(GIVE_BACK)
   io.stdout:flush()
   if self.keys then
      self.keys:close()
      stty(self.saved)
   end
   self.guard:close()
end

Screen.__close = Screen.close

return terminal
