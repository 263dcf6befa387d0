--- topaz-status delete-finished: clean-up, told as it goes; on a terminal it asks first.
local arguments = require "topaz.cli.arguments"
local core = require "topaz.core"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local select = require "topaz.cli.select"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local words = require "topaz.words"

local ERRORS_SHOWN = 5

local function in_words(report)
   local parts = { ("%d deleted"):format(report.deleted) }
   for _, name in ipairs { "already_gone", "refused", "failed" } do
      if report[name] > 0 then parts[#parts + 1] = ("%d %s"):format(report[name], (name:gsub("_", " "))) end
   end
   return table.concat(parts, ", ")
end

-- Returns the function that draws how far it is, given the report so far. The log draws its notice
-- below that.
local function drawer(shell, lines, only_counts)
   local shown
   local function render(width)
      return shell.log:with_notice({ shown and text.fit(shown, width) }, width, shell.paint)
   end
   shell.log:draws_in(lines, false, function() lines:draw(render, true) end)
   return function(so_far)
      shown = only_counts and ("%d so far"):format(so_far.matched)
         or ("%s, of %d so far"):format(in_words(so_far), so_far.matched)
      lines:draw(render)
   end
end

-- Deletes, or only counts. Returns the library's report and error.
local function clean_up(shell, only_counts)
   local args, client = shell.args, shell:client()
   local lines <close> = shell.is_terminal and not args.quiet and terminal.open(io.stdout) or nil
   local report, err = shell:checked(client.delete_finished, client, {
      older_than = select.seconds_ago(args.older_than, args.utc),
      newer_than = select.seconds_ago(args.newer_than, args.utc),
      status = select.words(args), where = select.where(args, true), dry_run = only_counts,
      on_progress = lines and drawer(shell, lines, only_counts),
   })
   if lines then lines:clear() end
   shell.log:draws_in(nil)
   return report, err
end

-- Where a person is there to answer: asks, with the number. Ends the command unless the answer is
-- yes.
local function ask(shell)
   if shell.args.yes or not (shell.is_tty and core.is_tty(0)) then return end
   local report, err = clean_up(shell, true)
   if err then error(err, 0) end
   if report.matched == 0 then return end -- nor is there anything to be sorry for
   output.write(("Delete %d status%s? [y/N] "):format(report.matched, report.matched == 1 and "" or "es"))
   output.flush()
   local answer = io.read()
   if answer then output.line_was_ended() else output.write "\n" end -- Ctrl-D has not ended it
   answer = answer or ""
   if not answer:lower():find "^%s*y" then
      problem.raise(problem.DECLINED, "nothing was deleted", "answer y, or add --yes")
   end
end

local function run(shell)
   local args = shell.args
   shell:client() -- first: without a key nothing is asked
   if not args.dry_run then ask(shell) end
   shell.resume = function() return shell:again() end
   local report, err = clean_up(shell, args.dry_run)
   output.write(args.dry_run and ("%d would be deleted\n"):format(report.matched) or in_words(report) .. "\n")
   for i = 1, math.min(#report.errors, ERRORS_SHOWN) do shell:tell_error(report.errors[i].error) end
   local more = report.refused + report.failed - math.min(#report.errors, ERRORS_SHOWN)
   if more > 0 then shell:tell(("%d more could not be deleted"):format(more), "run it again") end
   local code = 0
   for _, failure in ipairs(report.errors) do code = problem.both(code, problem.code(failure.error)) end
   if err then
      -- An error that was told as that of a status is not told twice.
      if #report.errors == 0 then error(err, 0) end
      problem.raise(problem.both(code, problem.code(err)), "stopped early because of these failures",
         "run it again later")
   end
   shell.resume = nil
   return code
end

return {
   name = "delete-finished",
   summary = "Delete the statuses of finished jobs.",
   description = "Delete the statuses of finished jobs, several at a time. On a terminal it says how many, and asks. "
      .. "It can be interrupted and run again.",
   examples = [[
topaz-status delete-finished --dry-run
topaz-status delete-finished --older-than 2d --status Completed,Failed --yes
topaz-status delete-finished --model Redefine --where 'credits<2']],
   arguments = function(command)
      arguments.filters(command, words.finished, "Completed (the default), Cancelled, Failed; several are separated by "
         .. "commas.")
      command:flag("--dry-run", "Only count what would be deleted.")
      command:flag("--yes", "Delete without asking, as it does without a terminal.")
      arguments.call_timeout(command)
      arguments.common(command)
   end,
   run = run,
}
