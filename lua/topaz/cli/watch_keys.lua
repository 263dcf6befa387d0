--- The keys of `topaz-status watch`: what is shown of the jobs is a function of the keys that were
-- pressed. It reads no terminal.
local keys = {}

--- What the jobs can be sorted by, in the order in which `s` goes through them.
keys.SORTS = { "progress", "left", "name", "newest" }

--- The help, as lines.
keys.HELP = {
   "q           quit",
   "s           sort by progress, time left, name, or the newest first",
   "/           show only jobs whose name or ID contains a text; Enter keeps it, Esc ends it",
   "j, Down     one line down",
   "k, Up       one line up",
   "Space, PgDn one screen down",
   "b, PgUp     one screen up",
   "g, Home     to the beginning",
   "G, End      to the end",
   "Ctrl-Z      stop; fg goes on",
   "?           end of this help",
}

local Keys = {}
Keys.__index = Keys

--- No key has been pressed.
-- @treturn table `sort`, one of SORTS; `filter`, a text or nil; `typing`, whether it is being
-- typed; `top`, how many jobs are above the screen; `help`; `page`, to be set: the jobs that fit
function keys.new() return setmetatable({ sort = keys.SORTS[1], top = 0, page = 1 }, Keys) end

local MOST = 100000000 -- jobs; more than anybody has

local function next_sort(self)
   for i, name in ipairs(keys.SORTS) do
      if name == self.sort then
         self.sort, self.top = keys.SORTS[i % #keys.SORTS + 1], 0
         return
      end
   end
end

local function moves(lines, pages)
   return function(self)
      self.top = math.min(math.max(0, self.top + lines + pages * math.max(self.page - 1, 1)), MOST)
   end
end

local ACTIONS = {
   s = next_sort, j = moves(1, 0), k = moves(-1, 0), [" "] = moves(0, 1), b = moves(0, -1),
   g = function(self) self.top = 0 end,
   G = function(self) self.top = MOST end, -- the view knows how many there are
   ["/"] = function(self) self.typing, self.filter, self.top = true, "", 0 end,
   ["?"] = function(self) self.help = true end,
   escape = function(self) self.filter, self.top = nil, 0 end,
}

-- What terminals send for keys with names.
local SEQUENCES = {
   A = "k", B = "j", H = "g", F = "G", ["5~"] = "b", ["6~"] = " ", ["1~"] = "g", ["4~"] = "G",
   ["7~"] = "g", ["8~"] = "G",
}

local function type_filter(self, key)
   if key == "\r" or key == "\n" then
      self.typing = false
      if self.filter == "" then self.filter = nil end
   elseif key == "escape" then self.typing, self.filter = false, nil
   elseif key == "\127" or key == "\b" then self.filter = self.filter:gsub("[^\128-\191][\128-\191]*$", "")
   elseif key == "\21" then self.filter = "" -- Ctrl-U
   elseif #key == 1 and key >= " " then self.filter = self.filter .. key end
end

-- One key. Returns whether it ends the program.
local function press(self, key)
   if self.typing then type_filter(self, key)
   elseif key == "q" or key == "Q" then return true
   elseif self.help then self.help = false
   elseif ACTIONS[key] then ACTIONS[key](self) end
   return false
end

--- Takes what was typed.
-- @tparam string bytes
-- @treturn boolean whether the program is to end
function Keys:feed(bytes)
   local ends = false
   while bytes ~= "" and not ends do
      local sequence, rest = bytes:match "^\27[%[O]([%d;]*[%a~])(.*)$"
      if sequence then ends = press(self, SEQUENCES[sequence] or "unknown")
      else
         local key
         key, rest = bytes:match "^(.)(.*)$"
         ends = press(self, key == "\27" and "escape" or key)
      end
      bytes = rest
   end
   return ends
end

return keys
