// How the role came to this member, step by step, for the record's note, the status and an Event. No decision rests on it.
import type { Handover } from '../../agent/role-notes.ts';
import { podOf } from '../../agent/role-record.ts';
import type { RoleRecord } from '../../agent/role-record.ts';
import type { Step } from './view.ts';

/** Times are monotonic milliseconds of this agent. */
interface Course {
  readonly note: Omit<Handover, 'promoteMs' | 'routeMs'>;
  readonly takenAt: number;
  openedAt?: number;
  routedAt?: number;
}

export class Chronicle {
  readonly #self: string;
  #holder = '';
  #course: Course | undefined;

  /** @param self `POD/UID` */
  constructor(self: string) {
    this.#self = self;
  }

  /** @param routed epoch under which this member is the rw endpoint */
  looked(record: RoleRecord | undefined, routed: number | undefined, now: number): void {
    if (record?.holder !== undefined) this.#holder = record.holder;
    const course = this.#course;
    if (course?.openedAt !== undefined && routed === course.note.epoch) course.routedAt ??= now;
  }

  /**
   * A step was carried out.
   * @param detectMs since the last sign of life of the holder that was, or since the role was given up
   * @param at wall clock, RFC 3339
   */
  done(step: Step, detectMs: number, at: string, now: number): void {
    if (step.kind === 'open' && this.#course !== undefined) this.#course.openedAt ??= now;
    if (step.kind !== 'write' || step.write !== 'take') return;
    const { base, change } = step;
    const released = base.holder === undefined && change.notes?.forced === undefined;
    this.#course = {
      takenAt: now,
      note: {
        epoch: change.epoch ?? base.epoch,
        at,
        reason: (released ? base.notes?.released : undefined) ?? step.reason,
        from: podOf(base.holder ?? this.#holder),
        to: podOf(this.#self),
        detectMs: Math.round(detectMs),
      },
    };
    // From the next release on, the one before it is this member.
    this.#holder = this.#self;
  }

  /** Once the role is taken, open and routed. */
  handover(): Handover | undefined {
    const course = this.#course;
    if (course?.openedAt === undefined || course.routedAt === undefined) return undefined;
    return {
      ...course.note,
      promoteMs: Math.round(course.openedAt - course.takenAt),
      routeMs: Math.round(course.routedAt - course.openedAt),
    };
  }
}
