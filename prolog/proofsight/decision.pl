:- module(proofsight_decision,
          [ decision/3                  % +KB, ?Image, ?Class
          ]).
:- use_module(facts, [image/2]).

/** <module> The one answer

class/2 may hold for several classes or for none.  The policies differ in
the order in which rules for classes are tried; the first that fires
decides, and where none does, the default.
*/

%!  decision(+KB, ?Image, ?Class) is nondet.
%
%   Class is what the program decides of Image.  Semidet where Image is
%   given; fails where no rule fires and there is no default.

decision(KB, Image, Class) :-
    image(KB, Image),
    (   KB:'$candidate'(Clause),
        clause(KB:class(Image, Class0), Body, Clause),
        call(KB:Body)
    ->  Class = Class0
    ;   KB:default_class(Class)
    ).
